"""Image files to arrays: every way a file can be bad ends as a `UserError` that names it."""

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image, ImageOps

from fullglow_jax.errors import UserError

_PNG_HEAD = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
_PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
_REPLACE = "Copy or download it again, or save it anew as an 8-bit RGB PNG."

T = TypeVar("T")


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


def check_png(path: Path | str) -> tuple[int, int]:
    """Checks that a PNG file begins and ends as one should, and returns its (height, width).

    Reads 36 bytes and decodes nothing, so a whole data set can be checked before training starts.

    Args:
        path: The PNG file.

    Returns:
        (height, width) as the file's header states them.

    Raises:
        UserError: The file is missing, not a PNG, or cut short.
    """
    try:
        with Path(path).open("rb") as file:
            head = file.read(len(_PNG_HEAD) + 8)
            file.seek(-min(len(_PNG_END), len(head)), io.SEEK_END)
            end = file.read()
    except OSError as error:
        raise UserError(_explain(path, error)) from error
    if not head:
        raise UserError(f"{path} is an empty file. {_REPLACE}")
    if not head.startswith(_PNG_HEAD[: len(head)]):
        raise UserError(f"{path} is not a PNG file. {_REPLACE}")
    if end != _PNG_END:
        raise UserError(f"{path} is cut short: it does not end as a PNG file must. {_REPLACE}")
    width, height = struct.unpack(">II", head[len(_PNG_HEAD) :])
    return height, width


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
