"""Label maps whose objects are told apart, as the networks of a GAN read them."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from fullglow_jax.gans.instances import edges


class Scene(NamedTuple):
    """The label maps of a batch, for a generator.

    Attributes:
        classes: (B, H, W), int32, each pixel's class.
        places: (B, H, W), int32, the place of each pixel's instance among `ids`.
        ids: (B, N), int32, the instances' ids, `ABSENT` at places that no instance has.
        photo: (B, H, W, 3) in [−1, 1], whose styles the instances get; None for drawn styles.
    """

    classes: Array
    places: Array
    ids: Array
    photo: Array | None = None


def for_discriminator(classes: Array, places: Array, count: int) -> Array:
    """What a discriminator reads of label maps: a channel for each class, and instances' edges.

    Args:
        classes: (B, H, W), int32.
        places: (B, H, W), instances by place or by id.
        count: Classes, the unknown one included.

    Returns:
        (B, H, W, count + 1), float32.
    """
    of_classes = jax.nn.one_hot(classes, count)
    return jnp.concatenate([of_classes, edges(places)[..., jnp.newaxis]], axis=-1)
