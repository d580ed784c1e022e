"""Noise of generators: masks of dropout, and styles."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

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


class StyleNoise(NamedTuple):
    """The noise of a generator that draws each instance of an image.

    Attributes:
        image: (B, z), of the whole image.
        instances: (B, N, 2, n), of each instance, for scale and for shift.
    """

    image: Array
    instances: Array


def normal_styles(
    keys: Array, ids: Array, sizes: tuple[int, int], temperature: Array | float
) -> StyleNoise:
    """Normal noise, of an image by its key, of an instance by the key and its id.

    Args:
        keys: (B,).
        ids: (B, N), int32, the instances' ids; those that an image has not change nothing.
        sizes: z and n, of noise of an image and of an instance.
        temperature: Its deviation.
    """

    def of_image(key: Array, ids: Array) -> StyleNoise:
        of_image, of_instances = jax.random.split(key)
        own = jax.vmap(partial(jax.random.fold_in, of_instances))(ids.astype(jnp.uint32))
        instances = jax.vmap(lambda key: jax.random.normal(key, (2, sizes[1])))(own)
        return StyleNoise(jax.random.normal(of_image, sizes[:1]), instances)

    styles: StyleNoise = jax.tree.map(lambda x: temperature * x, jax.vmap(of_image)(keys, ids))
    return styles
