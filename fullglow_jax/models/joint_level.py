"""One level of both glows: squeeze, steps, split."""

from collections.abc import Callable
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from fullglow_jax.bijections import squeeze, unsqueeze
from fullglow_jax.models.architecture import Architecture
from fullglow_jax.models.flow_step import StepParameters
from fullglow_jax.models.inverting_backward import encode_storing_nothing
from fullglow_jax.models.joint_step import JointState, JointStep
from fullglow_jax.models.prior import GaussianPrior
from fullglow_jax.networks import coupling_net


class LevelEncoding(NamedTuple):
    """What one image leaves at a level.

    `kept`, (B, H/2, W/2, C), goes on to the next level (no channels at the last one); `latent`
    stays; `log_prior` and `log_det` are (B,).
    """

    kept: Array
    latent: Array
    log_prior: Array
    log_det: Array


def _rematerialised(body: Callable[..., Any]) -> Callable[..., Any]:
    """A body that stores its input, and what coupling nets compute, which is most of the work."""
    return nn.remat(
        body,
        # For code that XLA could merge with its recomputation; a scan's it can't.
        prevent_cse=False,
        policy=jax.checkpoint_policies.save_only_these_names(coupling_net.KEPT),
    )


class JointLevel(nn.Module):
    """Squeeze → K joint steps → split, of both glows in lock-step.

    The steps share their shapes, so their parameters are stacked and scanned: compilation takes
    as long for 32 steps as for one.

    Attributes:
        architecture: The model's numbers.
        level: Index of this level, from 0.
    """

    architecture: Architecture
    level: int

    def setup(self) -> None:
        """Builds the step that is scanned, and the priors."""
        self.steps = JointStep(self.architecture, self.architecture.level_channels[self.level])
        channels = self.architecture.latent_shapes[self.level][-1]
        self.source_prior = GaussianPrior(channels, self.architecture.compute)
        self.target_prior = GaussianPrior(channels, self.architecture.compute)

    def encode(
        self, source: Array, target: Array, boundary: Array | None
    ) -> tuple[LevelEncoding, LevelEncoding]:
        """Both images, (B, H, W, C), through the level."""
        zeros = jnp.zeros(source.shape[0], source.dtype)
        state = JointState(squeeze(source), squeeze(target), zeros, zeros)
        mode = self.architecture.memory_mode
        if mode == "invert" and not self.is_initializing():
            step = JointStep(self.architecture, squeeze(source).shape[-1], parent=None)
            state = encode_storing_nothing(step, self.steps.variables, state, boundary)
        else:
            body = _rematerialised(JointStep.encode) if mode == "remat" else JointStep.encode
            state, _ = self._scan(body)(self.steps, state, boundary)
        return (
            self._leave(state.source, state.source_log_det, self.source_prior),
            self._leave(state.target, state.target_log_det, self.target_prior),
        )

    def read_condition(self, source: Array, boundary: Array | None) -> tuple[Array, StepParameters]:
        """The source alone through the level; the target's parameters, stacked over the steps."""
        source, parameters = self._scan(JointStep.read_condition)(
            self.steps, squeeze(source), boundary
        )
        return self._split(source)[0], parameters

    def decode_target(
        self, kept: Array, latent: Array, parameters: StepParameters, from_noise: bool
    ) -> Array:
        """The target from the level above and this level's latent, or from noise for it."""
        target = self._join(kept, latent, self.target_prior, from_noise)
        target, _ = self._scan(JointStep.decode_target, reverse=True, in_axes=0)(
            self.steps, target, parameters
        )
        return unsqueeze(target)

    def decode_source(self, kept: Array, latent: Array, from_noise: bool) -> Array:
        """The source from the level above and this level's latent, or from noise for it."""
        source = self._join(kept, latent, self.source_prior, from_noise)
        source, _ = self._scan(JointStep.decode_source, reverse=True)(self.steps, source, None)
        return unsqueeze(source)

    def _scan(
        self, body: Callable[..., Any], reverse: bool = False, in_axes: Any = nn.broadcast
    ) -> Callable[..., Any]:
        return nn.scan(
            body,
            variable_axes={"params": 0, "constants": 0},
            split_rngs={"params": True},
            in_axes=in_axes,
            length=self.architecture.steps[self.level],
            reverse=reverse,
        )

    def _split(self, x: Array) -> tuple[Array, Array]:
        """(kept, latent): halves of the channels, but the last level keeps none."""
        kept = x.shape[-1] - self.architecture.latent_shapes[self.level][-1]
        return x[..., :kept], x[..., kept:]

    def _leave(self, x: Array, log_det: Array, prior: GaussianPrior) -> LevelEncoding:
        kept, latent = self._split(x)
        return LevelEncoding(kept, latent, prior.log_density(latent, kept), log_det)

    def _join(self, kept: Array, latent: Array, prior: GaussianPrior, from_noise: bool) -> Array:
        z = prior.latent(latent, kept) if from_noise else latent
        return jnp.concatenate([kept, z], axis=-1)
