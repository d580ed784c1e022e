"""What the networks of a GAN read of a batch."""

from collections.abc import Callable
from dataclasses import dataclass

import jax.numpy as jnp
from jax import Array

from fullglow_jax.models.batch import ArrayLike, Batch
from fullglow_jax.models.interface import PyTree


def signed(images: ArrayLike) -> Array:
    """Images of the interface, uint8 or in [0, 1], in [−1, 1]."""
    images = jnp.asarray(images)
    return images / 127.5 - 1 if images.dtype == jnp.uint8 else 2 * images - 1


def _condition(batch: Batch) -> Array:
    return signed(batch.condition)


@dataclass(frozen=True)
class Reading:
    """What the networks read of a batch; by default all of them the condition, in [−1, 1].

    Attributes:
        drawing: What the generator reads where images are drawn, of which targets are no part.
        training: What the generator reads in training.
        discriminator: What the discriminator reads beside an image: (B, H, W, C).
    """

    drawing: Callable[[Batch], PyTree] = _condition
    training: Callable[[Batch], PyTree] = _condition
    discriminator: Callable[[Batch], Array] = _condition


OF_CONDITIONS = Reading()
"""Both networks read the condition."""
