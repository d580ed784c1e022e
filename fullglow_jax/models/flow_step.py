"""One step of flow: actnorm, invertible 1×1 convolution, affine coupling."""

from typing import NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from fullglow_jax.bijections import ActNorm, AffineCoupling, InvertibleConvolution
from fullglow_jax.bijections.base import Parameters
from fullglow_jax.models.architecture import Architecture


def with_boundary(condition: Array, boundary: Array | None) -> Array:
    """A condition, (B, H, W, C), with a boundary map, (B, H, W, 3), after its channels."""
    return condition if boundary is None else jnp.concatenate([condition, boundary], axis=-1)


class StepOutputs(NamedTuple):
    """What each operation of a step gives out, each (B, H, W, C).

    The source's outputs are the conditions of the target's operations of the same name.
    """

    actnorm: Array
    convolution: Array
    coupling: Array

    def with_boundary(self, boundary: Array | None) -> "StepOutputs":
        """Each with the boundary map, if there is one."""
        return StepOutputs(*(with_boundary(out, boundary) for out in self))


class StepParameters(NamedTuple):
    """The three operations' parameters."""

    actnorm: Parameters
    convolution: Parameters
    coupling: Parameters


class StepBijections(NamedTuple):
    """The three operations of a step, in order."""

    actnorm: ActNorm
    convolution: InvertibleConvolution
    coupling: AffineCoupling


def step_bijections(architecture: Architecture, channels: int, conditional: bool) -> StepBijections:
    """A step's bijections: a module's own where it is called in a module, else unbound ones."""
    a = architecture
    return StepBijections(
        ActNorm(channels, conditional, a.compute, a.actnorm_floor),
        InvertibleConvolution(channels, a.lu, conditional, a.compute),
        AffineCoupling(
            channels,
            a.coupling_width,
            conditional,
            a.spatial_width,
            a.compute,
            a.coupling_floor,
        ),
    )


class FlowStep(nn.Module):
    """Three bijections in a row (Glow, figure 2a; Full-Glow, figure 2).

    Attributes:
        architecture: The model's numbers.
        channels: C of the image.
        conditional: Whether every operation reads a condition.
    """

    architecture: Architecture
    channels: int
    conditional: bool

    def setup(self) -> None:
        """Builds the bijections."""
        self.actnorm, self.convolution, self.coupling = step_bijections(
            self.architecture, self.channels, self.conditional
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
