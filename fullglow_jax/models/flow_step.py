"""One step of flow: actnorm, invertible 1×1 convolution, affine coupling."""

from typing import NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from fullglow_jax.bijections import ActNorm, AffineCoupling, InvertibleConvolution
from fullglow_jax.bijections.base import Parameters


class StepOutputs(NamedTuple):
    """What each operation of a step gives out, each (B, H, W, C).

    The source's outputs are the conditions of the target's operations of the same name.
    """

    actnorm: Array
    convolution: Array
    coupling: Array

    def with_boundary(self, boundary: Array | None) -> "StepOutputs":
        """The same with a boundary map, (B, H, W, 3), after the source's channels."""
        if boundary is None:
            return self
        return StepOutputs(*(jnp.concatenate([out, boundary], axis=-1) for out in self))


class StepParameters(NamedTuple):
    """The three operations' parameters."""

    actnorm: Parameters
    convolution: Parameters
    coupling: Parameters


class FlowStep(nn.Module):
    """Three bijections in a row (Glow, figure 2a; Full-Glow, figure 2).

    Attributes:
        channels: C of the image.
        lu: Whether the 1×1 convolution is parameterised by LU factors.
        coupling_width: Hidden channels of the coupling net.
        spatial_width: Hidden channels of the spatial net.
        conditional: Whether every operation reads a condition.
    """

    channels: int
    lu: bool
    coupling_width: int
    spatial_width: int
    conditional: bool

    def setup(self) -> None:
        """Builds the bijections."""
        self.actnorm = ActNorm(self.channels, self.conditional)
        self.convolution = InvertibleConvolution(self.channels, self.lu, self.conditional)
        self.coupling = AffineCoupling(
            self.channels, self.coupling_width, self.conditional, self.spatial_width
        )

    def forward(self, x: Array, conditions: StepOutputs | None = None) -> tuple[StepOutputs, Array]:
        """x → (each operation's output, log_det)."""
        of_actnorm, of_convolution, of_coupling = conditions or (None, None, None)
        after_actnorm, log_det_actnorm = self.actnorm.forward(x, of_actnorm)
        after_convolution, log_det_convolution = self.convolution.forward(
            after_actnorm, of_convolution
        )
        after_coupling, log_det_coupling = self.coupling.forward(after_convolution, of_coupling)
        outputs = StepOutputs(after_actnorm, after_convolution, after_coupling)
        return outputs, log_det_actnorm + log_det_convolution + log_det_coupling

    def parameters(self, conditions: StepOutputs | None = None) -> StepParameters:
        """Everything that the three operations take from their conditions."""
        of_actnorm, of_convolution, of_coupling = conditions or (None, None, None)
        return StepParameters(
            self.actnorm.parameters(of_actnorm),
            self.convolution.parameters(of_convolution),
            self.coupling.parameters(of_coupling),
        )

    def invert(self, y: Array, parameters: StepParameters) -> Array:
        """The step's input from its output."""
        y = self.coupling.invert(y, parameters.coupling)
        y = self.convolution.invert(y, parameters.convolution)
        return self.actnorm.invert(y, parameters.actnorm)
