"""Pixels of decoded images as colours or ids, for any mode that a file stores.

A PNG may be rewritten in another mode (optimisers do so to save bytes): a palette of the greys that
occur, fewer bits, three equal channels. Its pixels are the same; so are the arrays here, or the
file is refused.
"""

import numpy as np
from PIL import Image, ImageOps

_LOSSY = ("JPEG", "MPO", "JPEG2000", "WEBP", "AVIF")
"""Formats that may change pixels when they store them."""

_SCALED = "scaled"

_ONE_CHANNEL = "where a map of ids has one grey channel"

LARGEST_ID = 2**31 - 2
"""The largest id of a pixel; models use the largest int32 for places without an id."""


class WrongPixelsError(ValueError):
    """A readable file whose pixels are of a kind that cannot be used; the message says which."""


def to_rgb(image: Image.Image) -> np.ndarray:
    """Colours, upright: uint8 (H, W, 3). Alpha is dropped; of 16 bits, the high byte is kept.

    Raises:
        WrongPixelsError: If the image has floating-point pixels, or more than 16 bits.
    """
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):
        # `convert` would clip to 255. Pillow keeps the high byte of 16-bit colours, too.
        grey = (_grey(image, 0xFFFF, "16 bits") >> 8).astype(np.uint8)
        return np.stack([grey, grey, grey], axis=-1)
    if image.mode == "F":
        raise WrongPixelsError("floating-point pixels, where 8 or 16 bits are expected")
    return np.array(image.convert("RGB"))


def to_ids(
    image: Image.Image, colours: np.ndarray | None = None, *, first_channel: bool = False
) -> np.ndarray:
    """Ids, upright: int32 (H, W), 0 to `LARGEST_ID`.

    An id is a grey value of 8, 16 or (in a TIFF) 32 bits; it may be stored as three equal channels,
    with an alpha channel of 255, or in a palette of greys. Other colours are looked up in
    `colours`. Without `colours`, the index into a palette of colours is the id. Optimisers may
    renumber such indices: different ids stay different, which is enough for boundaries, but for
    nothing more.

    Args:
        image: An image that was opened, but not loaded yet.
        colours: uint8 (n, 3), the colours of the ids 0 to n - 1; several may share one.
        first_channel: Whether the first of several channels has the ids, whatever is in the others.

    Raises:
        WrongPixelsError: If the ids of the pixels are not certain.
    """
    raw_mode = _raw_mode(image)
    if image.format in _LOSSY or image.info.get("compression") == "jpeg":
        raise WrongPixelsError(f"pixels that {image.format} may have changed, where each is an id")
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):
        return _unless_scaled(_grey(image, LARGEST_ID, "32 bits with a sign"), raw_mode)
    if image.mode in ("1", "L"):
        return _unless_scaled(np.array(image.convert("L"), np.int32), raw_mode)
    if image.mode == "P":
        return _ids_of_palette(image, colours)
    if image.mode not in ("LA", "RGB", "RGBA"):
        raise WrongPixelsError(f"{image.mode} pixels, {_ONE_CHANNEL}")
    if ";16" in raw_mode:
        raise WrongPixelsError(f"16-bit {image.mode} pixels, {_ONE_CHANNEL}")
    if first_channel:
        return _unless_scaled(np.array(image.getchannel(0), np.int32), raw_mode)
    return _ids_of_channels(image, raw_mode, colours)


def has_16_bits(image: Image.Image) -> bool:
    """Whether an image that was opened, but not loaded yet, has more than 8 bits per channel."""
    return image.mode.startswith("I") or ";16" in _raw_mode(image)


def count_ids(ids: np.ndarray) -> int:
    """The number of different ids, of at least 0, in a map (H, W)."""
    largest = int(ids.max())
    if largest > 0xFFFF:
        return len(np.unique(ids))
    seen = np.zeros(largest + 1, bool)  # several times as fast as sorting
    seen[ids] = True
    return int(seen.sum())


def colour_codes(colours: np.ndarray) -> np.ndarray:
    """One number for each colour (…, 3)."""
    red, green, blue = np.moveaxis(colours.astype(np.uint32), -1, 0)
    return red << 16 | green << 8 | blue


def _raw_mode(image: Image.Image) -> str:
    """Pillow's name for the storage of the pixels, for example "L;4"; empty if it has none."""
    if not getattr(image, "tile", None):
        return ""
    codec, _, _, arguments = image.tile[0]  # type: ignore[attr-defined]
    if codec in ("ppm", "ppm_plain"):  # values from 0 to a maximum that is not 255
        return _SCALED
    return str(arguments[0] if isinstance(arguments, tuple) else arguments)


def _unless_scaled(values: np.ndarray, raw_mode: str) -> np.ndarray:
    """The values, unless Pillow has scaled fewer than 8 bits to 8: then a 4-bit 1 is read as 17.

    The id may be 17, stored in 4 bits by an optimiser, or it may be 1.
    """
    if raw_mode.startswith((_SCALED, "1", "L;2", "L;4")) and values.any():
        raise WrongPixelsError(
            "grey values of fewer than 8 bits, of which nobody can tell whether they are ids or "
            "are scaled to be ids"
        )
    return values


def _ids_of_channels(image: Image.Image, raw_mode: str, colours: np.ndarray | None) -> np.ndarray:
    pixels = np.array(image, np.int32)
    if image.mode in ("LA", "RGBA"):
        pixels, alpha = pixels[..., :-1], pixels[..., -1]
        if (alpha != 255).any():
            raise WrongPixelsError("pixels that one can see through, where each is an id")
    if (pixels == pixels[..., :1]).all():
        return _unless_scaled(pixels[..., 0], raw_mode)
    if colours is None:
        raise WrongPixelsError(f"{image.mode} pixels, {_ONE_CHANNEL}")
    return _looked_up(pixels, colours)


def _ids_of_palette(image: Image.Image, colours: np.ndarray | None) -> np.ndarray:
    indices = np.array(image, np.int32)
    used = np.unique(indices)
    given = np.array(image.getpalette("RGB"), np.int32).reshape(-1, 3)
    palette = np.concatenate([given, np.zeros((256, 3), np.int32)])
    shown, stored = palette[used], palette[: used.max() + 1]
    if (shown == shown[:, :1]).all() and _all_differ(stored):
        return palette[indices, 0]  # not the index: optimisers store only the greys that occur
    if colours is None or (used.max() < len(colours) and (shown == colours[used]).all()):
        return indices
    if not _all_differ(shown):
        raise WrongPixelsError("a palette that shows several ids in one colour")
    table = np.zeros(256, np.int32)
    table[used] = _looked_up(shown, colours)
    return table[indices]


def _all_differ(colours: np.ndarray) -> bool:
    return len(np.unique(colours, axis=0)) == len(colours)


def _looked_up(pixels: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """The id of each colour (…, 3); the last id, if several share the colour."""
    known, codes = colour_codes(colours), colour_codes(pixels)
    order = np.argsort(known, kind="stable")
    places = np.searchsorted(known[order], codes, side="right") - 1
    ids = order[np.maximum(places, 0)]
    strange = known[ids] != codes
    if strange.any():
        red, green, blue = pixels[strange][0].tolist()
        raise WrongPixelsError(
            f"the colour ({red}, {green}, {blue}), which is no label's, where ids are expected"
        )
    return ids.astype(np.int32)


def _grey(image: Image.Image, largest: int, extent: str) -> np.ndarray:
    values = np.array(image).astype(np.int32)
    if values.min() < 0 or values.max() > largest:
        raise WrongPixelsError(f"grey values that do not fit {extent}")
    return values
