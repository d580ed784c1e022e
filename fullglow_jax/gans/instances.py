"""Instances of images: ids of any size, and their places among so many."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

ABSENT = jnp.iinfo(jnp.int32).max
"""The id at places that no instance has."""


class Instances(NamedTuple):
    """The instances of each image.

    Attributes:
        ids: (B, N), int32, their ids in ascending order, and then `ABSENT`.
        places: (B, H, W), int32, the place of each pixel's id among them.
    """

    ids: Array
    places: Array


def instances_of(ids: Array, count: int) -> Instances:
    """The instances of id maps, at most `count` in an image: of others, only the lowest ids count.

    Args:
        ids: (B, H, W), int32, all below `ABSENT`.
        count: N.
    """

    def of_image(ids: Array) -> Instances:
        # The last id of many that do not fit has the place of all after it.
        found = jnp.unique(ids, size=count, fill_value=ABSENT)
        places = jnp.searchsorted(found, ids, method="scan_unrolled")
        return Instances(found, jnp.minimum(places, count - 1).astype(jnp.int32))

    instances: Instances = jax.vmap(of_image)(ids)
    return instances


def edges(ids: Array) -> Array:
    """1 where a pixel's id is not that of all four pixels beside it, else 0.

    Args:
        ids: (B, H, W).

    Returns:
        (B, H, W), bool.
    """
    found = jnp.zeros(ids.shape, bool)
    for axis in (1, 2):
        first, last = (jnp.delete(ids, end, axis) for end in (-1, 0))
        changes = first != last
        for side in ((0, 1), (1, 0)):
            found |= jnp.pad(changes, [side if i == axis else (0, 0) for i in range(ids.ndim)])
    return found
