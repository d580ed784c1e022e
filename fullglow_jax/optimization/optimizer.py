"""The paper's optimiser, with optional limits on gradients."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import Array
from ml_collections import ConfigDict

PyTree = Any


def build_optimizer(config: ConfigDict, schedule: optax.Schedule) -> optax.GradientTransformation:
    """Adam (Full-Glow, section 4.1) with optional limits on gradients.

    Its state is the same with limits and without, and whatever its β, so all of them can be changed
    in the middle of a run.

    Args:
        config: `config.optimizer`.
        schedule: The learning rate by step.
    """
    limit, adam = config.clip_norm, optax.scale_by_adam(config.beta_1, config.beta_2)
    clip = optax.identity() if limit is None else optax.clip_by_global_norm(limit)
    if config.clip_spikes is not None:
        adam = _without_spikes(adam, config.clip_spikes, config.beta_2)
    return optax.chain(clip, adam, optax.scale_by_learning_rate(schedule))


def _without_spikes(
    adam: optax.GradientTransformation, limit: float, decay: float
) -> optax.GradientTransformation:
    """Adam that limits the norm of an array's gradient, to `limit` times its root mean square.

    `decay` is that of its second moments.

    Adam divides by the size of past gradients. After one that is suddenly a hundred times as large,
    it moves in its direction at three times the learning rate for ten steps, in all of an array's
    elements at once. A limit for all arrays together cannot prevent that: the gradients of the
    source glow, which the objective weighs by 1e-4, are always far below it. So each array's
    gradient is compared with its own past, known from Adam's second moments (the idea of AdaGC,
    arXiv 2502.11034, and of SPAM, arXiv 2501.06842).
    """

    def update(
        gradients: PyTree, state: optax.ScaleByAdamState, params: PyTree | None = None
    ) -> tuple[PyTree, optax.ScaleByAdamState]:
        seen = 1 - decay**state.count  # the moments start at 0

        def clipped(gradient: Array, moment: Array) -> Array:
            usual = jnp.sqrt(moment.sum() / jnp.maximum(seen, 1 - decay))
            norm = optax.global_norm(gradient)
            # The first gradient of an array is no spike.
            spike = (usual > 0) & (norm > limit * usual)
            return gradient * jnp.where(spike, limit * usual / norm, 1.0)

        updates, new = adam.update(jax.tree.map(clipped, gradients, state.nu), state, params)
        return updates, new

    return optax.GradientTransformation(adam.init, update)
