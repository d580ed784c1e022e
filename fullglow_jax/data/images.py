"""Image files to arrays: every way a file can be bad ends as a `UserError` that names it."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from PIL import Image, ImageOps

from fullglow_jax.errors import UserError

FITS = ("stretch", "crop")
"""Ways to bring an image to another size."""

_REPLACE = "Copy or download it again, or save it anew as an 8-bit RGB PNG."

T = TypeVar("T")


class Picture(NamedTuple):
    """A decoded image.

    Attributes:
        pixels: uint8 (H, W, 3).
        labels: Whether its colours stand for labels, so that resizing must not mix them.
    """

    pixels: np.ndarray
    labels: bool = False


class _WrongPixelsError(ValueError):
    """A sound file whose pixels are of a kind that cannot be used; says which."""


def read_rgb(path: Path | str, size: tuple[int, int] | None = None) -> np.ndarray:
    """Reads any image Pillow knows as 8-bit RGB, upright.

    Alpha is dropped, not blended: the colours stored under it are the data (Cityscapes' colour
    maps carry an alpha channel that is 255 everywhere).

    Args:
        path: The image file.
        size: (H, W) to stretch the image to with antialiased bilinear; None keeps its own size.

    Returns:
        uint8 (H, W, 3), 0 to 255.

    Raises:
        UserError: The file is missing, unreadable, truncated, too large or of no 8- or 16-bit
            image kind.
    """
    rgb = _decode(path, _to_rgb)
    return rgb if size is None else resize_bilinear(rgb, size)


def read_ids(path: Path | str) -> np.ndarray:
    """Reads a map of integer ids: 8- or 16-bit grey, or the indices of a palette image.

    Args:
        path: The image file.

    Returns:
        int32 (H, W), 0 to 65535.

    Raises:
        UserError: As for `read_rgb`, or the image has more than one channel.
    """
    return _decode(path, _to_ids)


def resize_bilinear(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Stretches uint8 (H, W, 3) to `size` (h, w) with antialiased bilinear, 8 bits to 8 bits."""
    height, width = size
    return np.array(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))


def resize_nearest(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Stretches uint8 (H, W) or (H, W, 3) to `size` (h, w), each pixel the nearest one's value."""
    height, width = size
    return np.array(Image.fromarray(image).resize((width, height), Image.Resampling.NEAREST))


def fit(picture: Picture, size: tuple[int, int], how: str) -> np.ndarray:
    """Brings a picture to `size` (h, w): antialiased bilinear, or nearest for labels.

    Args:
        picture: What to resize.
        size: (h, w).
        how: One of `FITS`: "stretch" takes the whole picture; "crop" keeps its proportions and
            takes the largest middle part that has those of `size`.

    Returns:
        uint8 (h, w, 3).
    """
    height, width = size
    box = (0.0, 0.0, float(picture.pixels.shape[1]), float(picture.pixels.shape[0]))
    if how == "crop":
        scale = min(box[2] / width, box[3] / height)
        left, top = (box[2] - scale * width) / 2, (box[3] - scale * height) / 2
        box = (left, top, left + scale * width, top + scale * height)
    filters = Image.Resampling
    kind = filters.NEAREST if picture.labels else filters.BILINEAR
    return np.array(Image.fromarray(picture.pixels).resize((width, height), kind, box=box))


def _decode(path: Path | str, convert: Callable[[Image.Image], T]) -> T:
    try:
        with Image.open(path) as image:
            limit = Image.MAX_IMAGE_PIXELS
            # Between once and twice the limit Pillow only warns.
            if limit is not None and image.width * image.height > limit:
                raise Image.DecompressionBombError(
                    f"{image.height}×{image.width} pixels, where {limit} in all are allowed"
                )
            return convert(ImageOps.exif_transpose(image))
    except (MemoryError, UserError):
        raise
    # Not a list of types: decoders fed garbage raise OSError, SyntaxError, ValueError, EOFError,
    # struct.error, zlib.error and more, by format.
    except Exception as error:
        raise UserError(_explain(path, error)) from error


def _explain(path: Path | str, error: Exception) -> str:
    match error:
        case FileNotFoundError():
            return f"{path} does not exist. Check the path, or restore the file."
        case Image.DecompressionBombError():
            return f"{path} is too large to be decoded safely: {error}. Make it smaller first."
        case Image.UnidentifiedImageError():
            return f"{path} is not an image of a format that can be read here. {_REPLACE}"
        case _WrongPixelsError():
            return f"{path} has {error}. Convert it first."
        case OSError(errno=int()):
            return f"{path} cannot be read: {error.strerror}. Check its permissions and its disk."
        case _:
            return f"{path} is damaged or cut short: {error}. {_REPLACE}"


def _to_rgb(image: Image.Image) -> np.ndarray:
    if image.mode.startswith("I"):
        # `convert` would clip to 255. The high byte is what Pillow keeps of 16-bit colour too.
        grey = (_unsigned_16(image) >> 8).astype(np.uint8)
        return np.stack([grey, grey, grey], axis=-1)
    if image.mode == "F":
        raise _WrongPixelsError("floating-point pixels, where 8 or 16 bits are expected")
    return np.array(image.convert("RGB"))


def _to_ids(image: Image.Image) -> np.ndarray:
    if image.mode.startswith("I"):
        return _unsigned_16(image)
    if image.mode in ("L", "P"):
        return np.array(image, dtype=np.int32)
    raise _WrongPixelsError(f"{image.mode} pixels, where a map of ids has one grey channel")


def _unsigned_16(image: Image.Image) -> np.ndarray:
    values = np.array(image).astype(np.int32)
    if values.min() < 0 or values.max() > 0xFFFF:
        raise _WrongPixelsError("grey values that do not fit 16 bits")
    return values
