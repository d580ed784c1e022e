"""Recorded values of INADE's instance maps and of its preprocessing."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from fullglow_jax.data.fitting import Fitting, cut
from fullglow_jax.data.images import Picture
from fullglow_jax.data.numbering import NUMBERS
from fullglow_jax.data.pixels import colour_codes
from fullglow_jax.data.renumbering import renumbered
from fullglow_jax.interop.recording import RecordedArrays, UnknownFamilyError
from fullglow_jax.interop.row import Row, compare, compare_values

RELATIVE = 1e-5

FITS = {
    "resize": "stretch",
    "fixed": "stretch",
    "scale_width": "width",
    "scale_shortside": "stretch",
    "crop": "none",
    "none": "stretch",
}
"""`config.data.fit` by the original's preprocessing, without its "and_crop"."""

_MULTIPLE = 32
"""Of each side, where the original resizes to nothing else."""

_GIVEN, _MADE = "_given", "_made"


def instance_maps(recording: RecordedArrays) -> list[Row]:
    """Instance maps that are made of ids, and pairs as training sees them."""
    rows = [
        compare(name, renumbered(recording[f"{kind}{_GIVEN}"]), recording[name], "absolute", 0)
        for kind in _kinds(recording)
        for name in [f"{kind}{_MADE}"]
    ]
    unknown = recording.meta["unknown_label"]
    for number, case in enumerate(recording.meta["cases"]):
        photo = _preprocessed(Picture(recording["photo"]), case)
        values = np.moveaxis(photo, -1, 0) / 127.5 - 1
        painted = Picture(NUMBERS[recording["label"]], labels=True)
        classes = _classes(_preprocessed(painted, case), unknown)
        names = f"case{number}_photo", f"case{number}_label"
        rows.append(compare_values(names[0], values, recording[names[0]], RELATIVE))
        rows.append(compare(names[1], classes, recording[names[1]], "absolute", 0))
    return rows


def _kinds(recording: RecordedArrays) -> list[str]:
    """The data sets of which ids are recorded."""
    return [name.removesuffix(_GIVEN) for name in recording.under("") if name.endswith(_GIVEN)]


def _preprocessed(picture: Picture, case: Mapping[str, Any]) -> np.ndarray:
    """A picture as training sees it, uint8 (H, W, 3)."""
    mode, size = case["preprocess_mode"], case["crop_size"]
    whole = mode.removesuffix("_and_crop")
    if whole not in FITS:
        raise UnknownFamilyError(f"the preprocessing {mode!r} has no counterpart here.")
    native = picture.pixels.shape[:2]
    fitting = Fitting(_loaded(case, native), FITS[whole], filter="bicubic", cuts=False)
    image = fitting(picture, "photo")
    if mode.endswith("crop"):
        left, top = case["crop_xy"]
        height, width = image.shape[:2]
        # The middles of the intervals that chance would hit.
        place = (top + 0.5) / (height - size + 1), (left + 0.5) / (width - size + 1)
        image = cut(image, (size, size), place)
    return np.flip(image, 1) if case["flip"] else image


def _loaded(case: Mapping[str, Any], native: tuple[int, ...]) -> tuple[int, int]:
    """The size (H, W) that a case resizes an image of `native` size to, or that limits it."""
    load, size = case["load_size"], case["crop_size"]
    match case["preprocess_mode"].removesuffix("_and_crop"):
        case "fixed":
            return round(size / case["aspect_ratio"]), size
        case "scale_width":
            return 1, load
        case "scale_shortside":
            # The original scales the longer side only: the shorter one keeps its own length.
            short, long = min(native), int(load * max(native) / min(native))
            if short == load:
                return native[0], native[1]
            return (long, short) if native[1] == short else (short, long)
        case "none":
            height, width = (round(side / _MULTIPLE) * _MULTIPLE for side in native)
            return height, width
        case "crop":
            return 1, 1
        case _:
            return load, load


def _classes(painted: np.ndarray, unknown: int) -> np.ndarray:
    """The class of each pixel by its colour; ids beyond the classes are the unknown one."""
    same = colour_codes(painted)[..., None] == colour_codes(NUMBERS)
    return np.minimum(same.argmax(-1), unknown)
