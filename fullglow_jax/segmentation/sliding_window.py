"""Testing on images of any size by crops of one size, as semseg's `tool/test.py` does.

A network that was trained on crops does best on crops of that size. They overlap by a third, each
is seen mirrored too, and what the network says of a pixel is averaged.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from fullglow_jax.errors import UserError
from fullglow_jax.segmentation.pixels import normalise
from fullglow_jax.segmentation.resize import apply_along_both, edge_matrix

Predict = Callable[[np.ndarray], "Array | np.ndarray"]
"""Logits (B, h, w, classes) of normalised crops (B, h, w, 3)."""

STRIDE_RATE = 2 / 3


def class_probabilities(
    predict: Predict,
    images: np.ndarray,
    crop: tuple[int, int],
    *,
    stride_rate: float = STRIDE_RATE,
    mirror: bool = True,
    scales: Sequence[float] = (1.0,),
    long_side: int | None = None,
) -> np.ndarray:
    """The classes' probabilities in every pixel.

    `predict` sees crops of one shape alone, so that it compiles once:

        predict = partial(jax.jit(PSPNet(architecture).apply), variables)

    Args:
        predict: The network.
        images: (B, H, W, 3) in red, green, blue, from 0 to 255.
        crop: Height and width of the crops; semseg's is 713×713 for Cityscapes. Smaller images
            are padded to it with the mean colour.
        stride_rate: Between crops, of their size.
        mirror: Whether crops are seen mirrored too; `predict` then gets 2·B at a time.
        scales: Sizes at which the images are seen, of which the probabilities are averaged.
        long_side: Pixels of the images' longer side at scale 1, semseg's `base_size`; the images'
            own if not given.

    Returns:
        (B, H, W, classes) float32.

    Raises:
        UserError: Where a value is not possible.
    """
    if len(crop) != 2 or min(crop) < 1:
        raise UserError(f"The crop {crop} must be a height and a width, for example (713, 713).")
    if not 0 < stride_rate <= 1:
        raise UserError(
            f"The stride rate {stride_rate} must be over 0 and at most 1, so that crops leave no "
            "gaps; semseg's is 2/3."
        )
    if not scales or min(scales) <= 0:
        raise UserError(f"The scales {tuple(scales)} must be positive numbers, for example (1.0,).")
    height, width = images.shape[1:3]
    total: np.ndarray | float = 0.0
    for scale in scales:
        size = _scaled(height, width, scale, long_side)
        seen = _resize(np.asarray(images, np.float32), size)
        found = _by_crops(predict, normalise(seen), crop, stride_rate, mirror)
        total = total + _resize(found, (height, width))
    return np.asarray(total / len(scales), np.float32)


def _scaled(height: int, width: int, scale: float, long_side: int | None) -> tuple[int, int]:
    """Height and width of an image whose longer side is scaled and whose proportions are kept."""
    longer = max(height, width)
    long = max(round(scale * (longer if long_side is None else long_side)), 1)
    short = max(round(long * min(height, width) / longer), 1)
    return (long, short) if height > width else (short, long)


def _resize(images: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    height, width = images.shape[1:3]
    if (height, width) == size:
        return images
    matrices = edge_matrix(height, size[0]), edge_matrix(width, size[1])
    return np.asarray(apply_along_both(jnp.asarray(images), *matrices))


def _by_crops(
    predict: Predict, images: np.ndarray, crop: tuple[int, int], stride_rate: float, mirror: bool
) -> np.ndarray:
    """Probabilities (B, H, W, classes) of normalised images (B, H, W, 3), averaged over crops."""
    height, width = images.shape[1:3]
    missing = [max(c - n, 0) for c, n in zip(crop, (height, width), strict=True)]
    before = [n // 2 for n in missing]
    around = [(b, n - b) for b, n in zip(before, missing, strict=True)]
    # The mean colour is 0 once it is normalised.
    padded = np.pad(images, ((0, 0), *around, (0, 0)))
    counts = np.zeros((*padded.shape[1:3], 1), np.float32)
    sums = None
    for top in _starts(padded.shape[1], crop[0], stride_rate):
        for left in _starts(padded.shape[2], crop[1], stride_rate):
            window = slice(top, top + crop[0]), slice(left, left + crop[1])
            found = _of_crops(predict, padded[:, *window], mirror)
            if sums is None:
                sums = np.zeros((*padded.shape[:3], found.shape[-1]), np.float32)
            sums[:, *window] += found
            counts[window] += 1
    assert sums is not None
    sums /= counts
    return sums[:, before[0] : before[0] + height, before[1] : before[1] + width]


def _starts(length: int, crop: int, stride_rate: float) -> Iterator[int]:
    """Where crops begin along an axis: at equal strides, the last one where it ends at the end."""
    stride = math.ceil(crop * stride_rate)
    for number in range(math.ceil((length - crop) / stride) + 1):
        yield min(number * stride, length - crop)


def _of_crops(predict: Predict, crops: np.ndarray, mirror: bool) -> np.ndarray:
    if mirror:
        crops = np.concatenate([crops, crops[:, :, ::-1]])
    return np.asarray(_probabilities(predict(crops), mirror))


@partial(jax.jit, static_argnums=1)
def _probabilities(logits: Array, mirrored: bool) -> Array:
    """Softmax; of a second half of mirrored crops, turned back, the mean with the first."""
    found = jax.nn.softmax(logits)
    if not mirrored:
        return found
    straight, turned = jnp.split(found, 2)
    return (straight + turned[:, :, ::-1]) / 2
