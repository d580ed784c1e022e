"""One step of both glows: the target's operations read what the source's just computed."""

from typing import NamedTuple

import flax.linen as nn
from jax import Array

from fullglow_jax.models.architecture import Architecture
from fullglow_jax.models.flow_step import FlowStep, StepParameters


class JointState(NamedTuple):
    """Both images on their way through the steps, (B, H, W, C), and log_det so far, (B,)."""

    source: Array
    target: Array
    source_log_det: Array
    target_log_det: Array


class JointStep(nn.Module):
    """A source step beside a target step. Every method has the form of a scan's body.

    Attributes:
        architecture: The model's numbers.
        channels: C of both images at this level.
    """

    architecture: Architecture
    channels: int

    def setup(self) -> None:
        """Builds the two steps."""
        self.source = FlowStep(self.architecture, self.channels, conditional=False)
        self.target = FlowStep(self.architecture, self.channels, conditional=True)

    def encode(self, state: JointState, boundary: Array | None) -> tuple[JointState, None]:
        """Both images one step towards their latents."""
        source, source_log_det = self.source.forward(state.source)
        target, target_log_det = self.target.forward(state.target, source.with_boundary(boundary))
        state = JointState(
            source.coupling,
            target.coupling,
            state.source_log_det + source_log_det,
            state.target_log_det + target_log_det,
        )
        return state, None

    def read_condition(self, source: Array, boundary: Array | None) -> tuple[Array, StepParameters]:
        """The source alone one step on, and the target's parameters read off it on the way."""
        outputs, _ = self.source.forward(source)
        return outputs.coupling, self.target.parameters(outputs.with_boundary(boundary))

    def decode_target(self, target: Array, parameters: StepParameters) -> tuple[Array, None]:
        """The target one step back towards the image, under parameters already read."""
        return self.target.invert(target, parameters), None

    def decode_source(self, source: Array, _: None) -> tuple[Array, None]:
        """The source one step back towards the image."""
        return self.source.invert(source, self.source.parameters()), None
