"""One level of both glows: squeeze, steps, split."""

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from fullglow_jax.bijections import squeeze, unsqueeze
from fullglow_jax.models.architecture import Architecture
from fullglow_jax.models.encoding import LevelEncoding
from fullglow_jax.models.flow_step import StepParameters
from fullglow_jax.models.inverting_backward import Walk
from fullglow_jax.models.joint_step import JointState, JointStep
from fullglow_jax.models.joint_step_back import joint_step_back
from fullglow_jax.models.prior import GaussianPrior
from fullglow_jax.models.steps import encode_steps, join, leave, scanned, split

WALK = Walk(JointStep.encode, joint_step_back)


class JointLevel(nn.Module):
    """Squeeze → K joint steps → split, of both glows in lock-step.

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
        state = encode_steps(self.steps, WALK, state, boundary, self._count)
        return (
            leave(state.source, state.source_log_det, self.source_prior),
            leave(state.target, state.target_log_det, self.target_prior),
        )

    def read_condition(self, source: Array, boundary: Array | None) -> tuple[Array, StepParameters]:
        """The source alone through the level; the target's parameters, stacked over the steps."""
        source, parameters = scanned(JointStep.read_condition, self._count)(
            self.steps, squeeze(source), boundary
        )
        return split(source, self.source_prior)[0], parameters

    def decode_target(
        self, kept: Array, latent: Array, parameters: StepParameters, from_noise: bool
    ) -> Array:
        """The target from the level above and this level's latent, or from noise for it."""
        target = join(kept, latent, self.target_prior, from_noise)
        decode = scanned(JointStep.decode_target, self._count, reverse=True, in_axes=0)
        target, _ = decode(self.steps, target, parameters)
        return unsqueeze(target)

    def decode_source(self, kept: Array, latent: Array, from_noise: bool) -> Array:
        """The source from the level above and this level's latent, or from noise for it."""
        source = join(kept, latent, self.source_prior, from_noise)
        decode = scanned(JointStep.decode_source, self._count, reverse=True)
        source, _ = decode(self.steps, source, None)
        return unsqueeze(source)

    @property
    def _count(self) -> int:
        return self.architecture.steps[self.level]
