"""Class ids of label maps, which travel as colours."""

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from numpy.typing import NDArray

from fullglow_jax.models.batch import ArrayLike
from fullglow_jax.palette import COLOURS, numbered_colours

PALETTES: dict[str, NDArray[np.uint8]] = {"cityscapes": COLOURS, "numbers": numbered_colours()}
"""Colours by class id, (N, 3): those of Cityscapes' labels, or one for each number."""


def class_ids(condition: ArrayLike, colours: NDArray[np.uint8], unknown: bool) -> Array:
    """The class of each pixel of label maps: the first one of its colour.

    Args:
        condition: (B, H, W, 3), uint8 or in [0, 1].
        colours: (classes, 3), of the model's classes alone.
        unknown: Whether a colour that is none of these is one more class, the last; else it is the
            class of the nearest colour.

    Returns:
        (B, H, W), int32.
    """
    pixels = jnp.asarray(condition)
    if pixels.dtype != jnp.uint8:
        pixels = jnp.round(255 * pixels)
    pixels = pixels.astype(jnp.int32)

    def nearer(
        found: tuple[Array, Array], each: tuple[Array, Array]
    ) -> tuple[tuple[Array, Array], None]:
        (distance, nearest), (colour, number) = found, each
        other = jnp.square(pixels - colour).sum(-1, dtype=jnp.int32)
        better = other < distance
        return (jnp.where(better, other, distance), jnp.where(better, number, nearest)), None

    # One colour after the other: distances to 150 colours at once would be a large array.
    zeros = jnp.zeros_like(pixels[..., 0])
    given = jnp.asarray(colours, jnp.int32), jnp.arange(len(colours), dtype=jnp.int32)
    start = zeros + jnp.iinfo(jnp.int32).max, zeros
    (distance, nearest), _ = lax.scan(nearer, start, given)
    return jnp.where(distance > 0, len(colours), nearest) if unknown else nearest
