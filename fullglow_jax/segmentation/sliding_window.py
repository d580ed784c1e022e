"""Sliding-window tests on images of any size, as in semseg's `tool/test.py`.

A network that was trained on crops is best on crops of that size. Crops overlap by a third, each is
also seen mirrored, and all probabilities of a pixel are averaged.
"""

import math
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from fullglow_jax.errors import UserError
from fullglow_jax.segmentation.pixels import normalise

Predict = Callable[[np.ndarray], "Array | np.ndarray"]
"""Logits (B, h, w, classes) of normalised crops (B, h, w, 3)."""

STRIDE_RATE = 2 / 3
"""Distance between crops, as a share of their size."""


def class_probabilities(predict: Predict, images: np.ndarray, crop: tuple[int, int]) -> np.ndarray:
    """The classes' probabilities in every pixel.

    `predict` sees crops of one shape only, so it compiles once:

        predict = partial(jax.jit(PSPNet(architecture).apply), variables)

    Args:
        predict: The network; it gets 2·B crops at a time, of which half are mirrored.
        images: (B, H, W, 3) in red, green, blue, from 0 to 255.
        crop: Height and width of the crops; semseg's is 713×713 for Cityscapes. Smaller images
            are padded to it with the mean colour.

    Returns:
        (B, H, W, classes) float32.

    Raises:
        UserError: If the crop is not possible.
    """
    if len(crop) != 2 or min(crop) < 1:
        raise UserError(f"The crop {crop} must be a height and a width, for example (713, 713).")
    height, width = images.shape[1:3]
    missing = [max(c - n, 0) for c, n in zip(crop, (height, width), strict=True)]
    before = [n // 2 for n in missing]
    around = [(b, n - b) for b, n in zip(before, missing, strict=True)]
    # Normalised, the mean colour is 0.
    padded = np.pad(normalise(images), ((0, 0), *around, (0, 0)))
    counts = np.zeros((*padded.shape[1:3], 1), np.float32)
    sums = None
    for top in _starts(padded.shape[1], crop[0]):
        for left in _starts(padded.shape[2], crop[1]):
            window = slice(top, top + crop[0]), slice(left, left + crop[1])
            crops = padded[:, *window]
            found = _probabilities(predict(np.concatenate([crops, crops[:, :, ::-1]])))
            if sums is None:
                sums = np.zeros((*padded.shape[:3], found.shape[-1]), np.float32)
            sums[:, *window] += np.asarray(found)
            counts[window] += 1
    assert sums is not None
    sums /= counts
    return sums[:, before[0] : before[0] + height, before[1] : before[1] + width]


def _starts(length: int, crop: int) -> Iterator[int]:
    """Starts of crops along an axis, at equal strides; the last crop ends at the image's end."""
    stride = math.ceil(crop * STRIDE_RATE)
    for number in range(math.ceil((length - crop) / stride) + 1):
        yield min(number * stride, length - crop)


@jax.jit
def _probabilities(logits: Array) -> Array:
    """The mean of the softmax of crops and of mirrored crops, the second half, turned back."""
    straight, turned = jnp.split(jax.nn.softmax(logits), 2)
    return (straight + turned[:, :, ::-1]) / 2
