"""The paper's optimiser, with limits on gradients for those who want them."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import Array

PyTree = Any


def clipped_adam(
    schedule: optax.Schedule, clip_norm: float | None = None, clip_spikes: float | None = None
) -> optax.GradientTransformation:
    """Adam (Full-Glow, section 4.1) on gradients that are not too large.

    Its state is the same with limits and without, so that they can be set in the middle of a run.

    Args:
        schedule: The learning rate by step.
        clip_norm: What the norm of all gradients together is scaled down to; None for no limit.
        clip_spikes: What the norm of each array's gradient is scaled down to, as a multiple of its
            root mean square so far; None for no limit.
    """
    clip = optax.identity() if clip_norm is None else optax.clip_by_global_norm(clip_norm)
    adam = optax.scale_by_adam()
    if clip_spikes is not None:
        adam = _without_spikes(adam, clip_spikes)
    return optax.chain(clip, adam, optax.scale_by_learning_rate(schedule))


def _without_spikes(
    adam: optax.GradientTransformation, limit: float, decay: float = 0.999
) -> optax.GradientTransformation:
    """Adam that a sudden gradient does not throw off.

    Adam divides by what gradients were. Where one is suddenly a hundred times as large, it goes on
    in its direction at three times the learning rate for ten steps, in all of an array's elements
    at once. A limit for all arrays together cannot prevent it: the gradients of the source glow,
    which the objective weighs by 1e-4, are far below it however large they become. So each array's
    gradient is held against its own past, which Adam's second moments tell (the idea of AdaGC,
    arXiv 2502.11034, and of SPAM, arXiv 2501.06842).

    Args:
        adam: The transformation.
        limit: See `clipped_adam`.
        decay: Adam's, of its second moments.
    """

    def update(
        gradients: PyTree, state: optax.ScaleByAdamState, params: PyTree | None = None
    ) -> tuple[PyTree, optax.ScaleByAdamState]:
        seen = 1 - decay**state.count  # the moments start at 0

        def clipped(gradient: Array, moment: Array) -> Array:
            usual = jnp.sqrt(moment.sum() / jnp.maximum(seen, 1 - decay))
            norm = optax.global_norm(gradient)
            # Of an array that had no gradient yet, any is a first one.
            spike = (usual > 0) & (norm > limit * usual)
            return gradient * jnp.where(spike, limit * usual / norm, 1.0)

        updates, new = adam.update(jax.tree.map(clipped, gradients, state.nu), state, params)
        return updates, new

    return optax.GradientTransformation(adam.init, update)
