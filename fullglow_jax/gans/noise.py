"""Noise of generators: masks of dropout."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import Array

HIGHEST_RATE = 0.99
"""The highest rate of dropout, whatever the temperature: at 1, nothing would be left."""


def dropout_masks(
    keys: Array, shapes: Sequence[tuple[int, int, int]], rate: Array | float
) -> tuple[Array, ...]:
    """Factors of dropout, for each example under its own key: 0 at a chance, else 1/(1 − chance).

    Args:
        keys: (B,).
        shapes: (h, w, c) of each dropout.
        rate: The chance; higher ones than `HIGHEST_RATE` are this.

    Returns:
        (B, h, w, c) of each.
    """
    kept = 1 - jnp.minimum(rate, HIGHEST_RATE)

    def of_example(key: Array) -> tuple[Array, ...]:
        layers = enumerate(shapes)
        masks = [jax.random.bernoulli(jax.random.fold_in(key, i), kept, s) for i, s in layers]
        return tuple(jnp.where(mask, 1 / kept, 0.0) for mask in masks)

    masks: tuple[Array, ...] = jax.vmap(of_example)(keys)
    return masks
