"""Checksums of the values of a state's arrays."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

PyTree = Any


def checksums(items: dict[str, PyTree]) -> dict[str, list[int]]:
    """The sum modulo 2³² of the words of each array, by item.

    Any single changed bit changes the sum; the split of an array over devices does not. All
    processes of a run must call it.
    """
    leaves = {item: jax.tree.leaves(tree) for item, tree in items.items()}
    sums = jax.device_get(_sums(leaves))
    return {item: [int(value) for value in item_sums] for item, item_sums in sums.items()}


@jax.jit
def _sums(leaves: dict[str, list[Array]]) -> dict[str, list[Array]]:
    return jax.tree.map(lambda leaf: _words(leaf).sum(dtype=jnp.uint32), leaves)


def _words(array: Array) -> Array:
    if array.dtype == jnp.bool_:
        return array.astype(jnp.uint8)
    bits = 8 * min(array.dtype.itemsize, 4)
    return lax.bitcast_convert_type(array, f"uint{bits}")
