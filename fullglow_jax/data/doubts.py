"""Doubts about files that can be read but may not hold what was meant.

Training reads such files as they are; the check reports them.
"""

from collections.abc import Collection
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image

from fullglow_jax.data.image_kinds import image_formats
from fullglow_jax.data.images import read_ids
from fullglow_jax.data.pixels import has_16_bits, to_rgb
from fullglow_jax.palette import COUNTABLE, LABELS

_BITS = 12
"""Of sixteen bits: if no pixel needs more, at most a sixteenth of all grey levels is left."""


def lost_levels(path: Path) -> str | None:
    """A doubt about a 16-bit image with few values in its high byte, the only one that is read.

    If 8 or 12 bits were saved as 16, the high bits are empty.
    """
    with Image.open(path, formats=image_formats()) as image:
        if not has_16_bits(image):
            return None
        grey = image.mode.startswith("I")
        # Of 16-bit colours, Pillow keeps only the high byte.
        brightest = int(np.array(image).max()) if grey else 256 * int(to_rgb(image).max()) + 255
    if not 0 < brightest < 2**_BITS:
        return None
    return (
        f"its values go up to {brightest} of 65535{'' if grey else ' at most'}, so that of 256 "
        f"levels {brightest // 256 + 1} are left"
    )


def cut_ids(path: Path) -> str | None:
    """A doubt about a map of Cityscapes' instance ids that looks cut to eight bits.

    An instance id is a label's id, or 1000 times the label's id plus the instance's number.
    """
    ids = np.unique(read_ids(path))
    if ids[-1] > 255 or ids[-1] < len(LABELS):
        return None
    return (
        f"it has ids up to {ids[-1]}, which are neither a label's, up to {len(LABELS) - 1}, nor an "
        f"instance's, from {1000 * min(COUNTABLE)}"
    )


def frames(path: Path) -> str | None:
    """A doubt about an image with several frames or pages, of which only the first is read."""
    with Image.open(path, formats=image_formats()) as image:
        # The other frames of a camera's .mpo are a smaller copy, or a second view for 3D.
        count = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
    return f"it has {count}, of which the first is read" if count > 1 else None


def turned_alone(paths: Collection[Path]) -> str | None:
    """A doubt about a pair of which EXIF turns only some images, though they fit without it too.

    If they have one size only when turned, the orientation is right.
    """
    stored = {path: _stored(path) for path in paths}
    if len({size for _, size in stored.values()}) > 1:
        return None
    for path, (orientation, _) in stored.items():
        for partner, (other, _) in stored.items():
            if orientation != 1 and orientation != other:
                return f"{path} by its orientation {orientation}, and not so {partner}"
    return None


def turned_out_of_fit(paths: Collection[Path]) -> Path | None:
    """A pair's image that EXIF turns on its side, if without that all images have one size."""
    stored = {path: _stored(path) for path in paths}
    if len({size for _, size in stored.values()}) > 1:
        return None
    return next((path for path, (how, _) in stored.items() if how >= _FIRST_SIDEWAYS), None)


_FIRST_SIDEWAYS = 5
"""EXIF's orientations 5 to 8 turn a picture on its side; 2 to 4 do not, and 1 changes nothing."""


def _stored(path: Path) -> tuple[int, tuple[int, int]]:
    """An image's EXIF orientation, and (width, height) before it is turned."""
    with Image.open(path, formats=image_formats()) as image:
        size = image.size
        if image.format == "PNG" and not {"exif", "Raw profile type exif"} & image.info.keys():
            return 1, size  # a further search would decode the whole image
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
        if orientation not in range(2, 9):
            return 1, size
        if image.format == "TIFF" and orientation >= _FIRST_SIDEWAYS:
            size = size[::-1]  # Pillow gives the size after turning
        return orientation, size
