"""Checksums of a state's arrays: of what they hold, not of the files that they lie in."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

PyTree = Any


def checksums(items: dict[str, PyTree]) -> dict[str, list[int]]:
    """The sum modulo 2³² of the words that each array of each item is made of.

    Any one bit that is turned changes it; how an array is split over devices does not. All
    processes of a run must call it.
    """
    leaves = {item: jax.tree.leaves(tree) for item, tree in items.items()}
    sums = jax.device_get(_sums(leaves))
    return {item: [int(value) for value in of_item] for item, of_item in sums.items()}


@jax.jit
def _sums(leaves: dict[str, list[Array]]) -> dict[str, list[Array]]:
    return jax.tree.map(lambda leaf: _words(leaf).sum(dtype=jnp.uint32), leaves)


def _words(array: Array) -> Array:
    if array.dtype == jnp.bool_:
        return array.astype(jnp.uint8)
    bits = 8 * min(array.dtype.itemsize, 4)
    return lax.bitcast_convert_type(array, f"uint{bits}")
