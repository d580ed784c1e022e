"""What levels of all glows do with their steps, and with what comes out of them."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from fullglow_jax.models.encoding import LevelEncoding
from fullglow_jax.models.flow_step import FlowStep
from fullglow_jax.models.inverting_backward import Tree, Walk, encode_storing_nothing
from fullglow_jax.models.joint_step import JointStep
from fullglow_jax.models.prior import GaussianPrior
from fullglow_jax.networks import coupling_net


def encode_steps(
    steps: FlowStep | JointStep, walk: Walk, state: Tree, boundary: Array | None, count: int
) -> Tree:
    """The state through all steps of a level, in the architecture's memory mode.

    Args:
        steps: All of them, their variables stacked.
        walk: How one is gone through.
        state: What goes in.
        boundary: The level's boundary map, if the model reads one.
        count: How many there are.
    """
    mode = steps.architecture.memory_mode
    if mode == "invert" and not steps.is_initializing():
        return encode_storing_nothing(
            steps.clone(parent=None), walk, steps.variables, state, boundary
        )
    body = _rematerialised(walk.encode) if mode == "remat" else walk.encode
    return scanned(body, count)(steps, state, boundary)[0]


def scanned(
    body: Callable[..., Any], count: int, reverse: bool = False, in_axes: Any = nn.broadcast
) -> Callable[..., Any]:
    """A body, called with one step after the other.

    Steps share their shapes, so their parameters are stacked and scanned: compilation takes as
    long for 32 steps as for one.
    """
    return nn.scan(
        body,
        variable_axes={"params": 0, "constants": 0},
        split_rngs={"params": True},
        in_axes=in_axes,
        length=count,
        reverse=reverse,
    )


def split(x: Array, prior: GaussianPrior) -> tuple[Array, Array]:
    """(kept, latent): halves of the channels, but the last level keeps none."""
    kept = x.shape[-1] - prior.channels
    return x[..., :kept], x[..., kept:]


def leave(x: Array, log_det: Array, prior: GaussianPrior) -> LevelEncoding:
    """What is left of the steps' output."""
    kept, latent = split(x, prior)
    return LevelEncoding(kept, latent, prior.log_density(latent, kept), log_det)


def join(kept: Array, latent: Array, prior: GaussianPrior, from_noise: bool) -> Array:
    """The steps' output from what is left of it, or from noise for the latent."""
    z = prior.latent(latent, kept) if from_noise else latent
    return jnp.concatenate([kept, z], axis=-1)


def _rematerialised(body: Callable[..., Any]) -> Callable[..., Any]:
    """A body that stores its input, and what coupling nets compute, which is most of the work."""
    return nn.remat(
        body,
        # For code that XLA could merge with its recomputation; a scan's it can't.
        prevent_cse=False,
        policy=jax.checkpoint_policies.save_only_these_names(coupling_net.KEPT),
    )
