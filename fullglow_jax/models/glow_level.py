"""One level of a glow without condition: squeeze, steps, split."""

from typing import NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from fullglow_jax.bijections import squeeze, unsqueeze
from fullglow_jax.models.architecture import Architecture
from fullglow_jax.models.encoding import LevelEncoding
from fullglow_jax.models.flow_step import FlowStep, step_bijections
from fullglow_jax.models.inverting_backward import (
    Tree,
    Variables,
    Walk,
    after,
    of_step,
    operation_back,
)
from fullglow_jax.models.prior import GaussianPrior
from fullglow_jax.models.steps import encode_steps, join, leave, scanned


class GlowState(NamedTuple):
    """An image on its way through the steps, (B, H, W, C), and log_det so far, (B,)."""

    image: Array
    log_det: Array


class GlowLevel(nn.Module):
    """Squeeze → K steps → split; the steps' parameters are stacked, as in `JointLevel`.

    Attributes:
        architecture: The model's numbers.
        level: Index of this level, from 0.
    """

    architecture: Architecture
    level: int

    def setup(self) -> None:
        """Builds the step that is scanned, and the prior."""
        channels = self.architecture.level_channels[self.level]
        self.steps = FlowStep(self.architecture, channels, conditional=False)
        self.prior = GaussianPrior(
            self.architecture.latent_shapes[self.level][-1], self.architecture.compute
        )

    def encode(self, image: Array) -> LevelEncoding:
        """An image, (B, H, W, C), through the level."""
        state = GlowState(squeeze(image), jnp.zeros(image.shape[0], image.dtype))
        state = encode_steps(self.steps, WALK, state, None, self._count)
        return leave(state.image, state.log_det, self.prior)

    def decode(self, kept: Array, latent: Array, from_noise: bool) -> Array:
        """The image from the level above and this level's latent, or from noise for it."""
        image = join(kept, latent, self.prior, from_noise)
        image, _ = scanned(_decode_step, self._count, reverse=True)(self.steps, image, None)
        return unsqueeze(image)

    @property
    def _count(self) -> int:
        return self.architecture.steps[self.level]


def _encode_step(step: FlowStep, state: GlowState, _: None) -> tuple[GlowState, None]:
    outputs, log_det = step.forward(state.image)
    return GlowState(outputs.coupling, state.log_det + log_det), None


def _decode_step(step: FlowStep, image: Array, _: None) -> tuple[Array, None]:
    return step.invert(image, step.parameters()), None


def _step_back(
    step: FlowStep,
    variables: Variables,
    index: Array,
    state: GlowState,
    cotangent: GlowState,
    _: None,
) -> tuple[GlowState, GlowState, Tree]:
    """(state before the step, its cotangent, the parameters' gradients), from those after it."""
    bijections = step_bijections(step.architecture, step.channels, conditional=False)
    image, log_det = state
    g_image, g_log_det = cotangent
    gradients: dict[str, Tree] = {}
    for name in ("coupling", "convolution", "actnorm"):
        index = after(g_image, index)
        image, g_image, _, gradients[name] = operation_back(
            getattr(bijections, name),
            of_step(variables, (name,), index),
            None,
            image,
            (g_image, g_log_det),
        )
    return GlowState(image, log_det), GlowState(g_image, g_log_det), gradients


WALK = Walk(_encode_step, _step_back)
