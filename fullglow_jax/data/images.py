"""Image files as arrays; for every bad file there is a `UserError` that names it."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from PIL import Image

from fullglow_jax.data.image_kinds import image_formats
from fullglow_jax.data.pixels import WrongPixelsError, to_ids, to_rgb
from fullglow_jax.errors import UserError

_REPLACE = "Copy or download it again, or save it anew as an 8-bit RGB PNG."

T = TypeVar("T")


class Picture(NamedTuple):
    """A decoded image.

    Attributes:
        pixels: uint8 (H, W, 3), or int32 (H, W) for ids.
        labels: Whether its colours mean labels, which resizing must not mix.
    """

    pixels: np.ndarray
    labels: bool = False


def read_rgb(path: Path | str) -> np.ndarray:
    """Reads any image Pillow knows as 8-bit RGB, upright.

    Alpha is dropped, not blended: the stored colours are the data (Cityscapes' colour maps have an
    alpha channel that is 255 everywhere).

    Returns:
        uint8 (H, W, 3), 0 to 255.

    Raises:
        UserError: If the file is missing, unreadable, truncated, too large, or not an 8- or 16-bit
            image.
    """
    return _decode(path, to_rgb)


def read_ids(
    path: Path | str, colours: np.ndarray | None = None, *, first_channel: bool = False
) -> np.ndarray:
    """Reads a map of integer ids: grey of 8, 16 or 32 bits, stored in any mode (`to_ids`).

    Args:
        path: The image file.
        colours: uint8 (n, 3), the colours of the ids 0 to n - 1, if ids may be painted; without
            them, an image in colours must have a palette, whose indices are the ids.
        first_channel: Whether the first of several channels has the ids, whatever is in the others.

    Returns:
        int32 (H, W), 0 to `pixels.LARGEST_ID`.

    Raises:
        UserError: As for `read_rgb`, or if the ids of the pixels are not certain.
    """
    return _decode(path, partial(to_ids, colours=colours, first_channel=first_channel))


def resize_bilinear(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Stretches uint8 (H, W, 3) to `size` (h, w) with antialiased bilinear, 8 bits to 8 bits."""
    height, width = size
    return np.array(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))


def resize_nearest(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Stretches uint8 (H, W) or (H, W, 3) to `size` (h, w) with nearest neighbour."""
    height, width = size
    return np.array(Image.fromarray(image).resize((width, height), Image.Resampling.NEAREST))


def check_pixels(image: Image.Image) -> None:
    """Checks that an opened image, not yet decoded, does not exceed Pillow's limit of pixels.

    Raises:
        Image.DecompressionBombError: If it does. Up to twice the limit, Pillow itself only warns.
    """
    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None and image.width * image.height > limit:
        raise Image.DecompressionBombError(
            f"{image.height}×{image.width} pixels, where {limit} in all are allowed"
        )


def _decode(path: Path | str, convert: Callable[[Image.Image], T]) -> T:
    if Path(path).is_fifo():
        raise UserError(f"{path} is a pipe, which could be waited for for ever: give a file.")
    try:
        with Image.open(path, formats=image_formats()) as image:
            check_pixels(image)
            return convert(image)
    except (MemoryError, UserError):
        raise
    # All exceptions: given garbage, decoders raise OSError, SyntaxError, ValueError, EOFError,
    # struct.error, zlib.error and more, depending on the format.
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
        case WrongPixelsError():
            return f"{path} has {error}. Convert it first."
        case OSError(errno=int()):
            return f"{path} cannot be read: {error.strerror}. Check its permissions and its disk."
        case _:
            return f"{path} is damaged or cut short: {error}. {_REPLACE}"
