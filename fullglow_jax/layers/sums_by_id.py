"""Sums over all pixels of one id."""

import jax
from jax import Array


def sums_by_id(values: Array, ids: Array, count: int) -> Array:
    """The sum of each image's values over the pixels of each id.

    Args:
        values: (B, H, W, …).
        ids: (B, H, W), int32, below `count`.
        count: Ids, N.

    Returns:
        (B, N, …); 0 for ids that an image has not.
    """

    def of_image(values: Array, ids: Array) -> Array:
        flat = values.reshape(-1, *values.shape[2:])
        return jax.ops.segment_sum(flat, ids.reshape(-1), count)

    sums: Array = jax.vmap(of_image)(values, ids)
    return sums
