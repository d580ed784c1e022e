"""The network that halves a whole condition three times and turns it into one vector."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jax import Array, lax

from fullglow_jax.layers.layer import Initializer, Layer, dense
from fullglow_jax.layers.precision import Compute
from fullglow_jax.layers.strided_convolution import convolve_quads, nested_quads

HALVINGS = 3


class VectorStart(NamedTuple):
    """Initialisers of a `StridedVectorNet`; PyTorch's where there is None.

    Attributes:
        hidden: Of all before the output layer, but the convolutions' biases, which have PyTorch's.
        kernel: Of the output layer's kernel.
        bias: Of the output layer's bias.
    """

    hidden: Initializer | None
    kernel: Initializer
    bias: Initializer


class StridedVectorNet(nn.Module):
    """Parameterises C-Glow's actnorm and 1×1 convolution (C-Glow, its code).

    Three 2×2 convolutions with stride 2, flatten, dense, dense, each followed by a ReLU, then the
    output layer and tanh. The dense layers fix the image size: a model is built for one.

    Attributes:
        features: Length of the vector.
        channels: Output channels of each convolution.
        width: Length of the hidden layers.
        start: Initialisers.
        compute: Precision. As in a `VectorNet`, the output layer is always exact.
    """

    features: int
    channels: int
    width: int
    start: VectorStart
    compute: Compute = Compute()

    @nn.compact
    def __call__(self, condition: Array) -> Array:
        """(B, H, W, C) → (B, features), in (-1, 1); H and W multiples of 8."""
        compute, (hidden, output_kernel, output_bias) = self.compute, self.start
        h = nested_quads(compute.cast(condition), HALVINGS)
        for i in range(HALVINGS):
            layer = Layer((2, 2, h.shape[-1], self.channels), hidden, name=f"conv_{i}")()
            h = nn.relu(convolve_quads(h, layer, compute.products))
        # Channel-major, as the original's dense weights are.
        h = h.transpose(0, 4, 3, 1, 2).reshape(len(h), -1)
        for i in range(2):
            layer = Layer((h.shape[-1], self.width), hidden, hidden, name=f"dense_{i}")()
            h = nn.relu(dense(h, layer, compute.products))
        output = Layer((self.width, self.features), output_kernel, output_bias, name="output")()
        return nn.tanh(dense(h.astype(condition.dtype), output, lax.Precision.HIGHEST))


_ZEROS, _NORMAL = nn.initializers.zeros, nn.initializers.normal(0.1)


def silent_start(start: Initializer) -> VectorStart:
    """All zeros, as published for actnorms: no gradient reaches what is before the output layer."""
    del start
    return VectorStart(_ZEROS, _ZEROS, _ZEROS)


def random_start(start: Initializer) -> VectorStart:
    """As published for 1×1 convolutions: hidden layers that no gradient reaches, random outputs."""
    del start
    return VectorStart(_ZEROS, _NORMAL, _NORMAL)


def live_zero_start(start: Initializer) -> VectorStart:
    """Hidden layers that learn, and outputs that start at zero."""
    del start
    return VectorStart(None, _ZEROS, _ZEROS)


def live_start(start: Initializer) -> VectorStart:
    """Hidden layers that learn, and outputs that start at 0.9 times the values given."""
    return VectorStart(None, _ZEROS, lambda *args: jnp.arctanh(0.9 * start(*args)))


@dataclass(frozen=True)
class StridedVector:
    """Builder of a `StridedVectorNet`.

    Attributes:
        channels: Output channels of each convolution.
        width: Length of the hidden layers.
        start: (initialiser of the values that the bijection starts from) → initialisers.
        compute: Precision.
    """

    channels: int
    width: int
    start: Callable[[Initializer], VectorStart]
    compute: Compute

    def build(self, features: int, start: Initializer) -> StridedVectorNet:
        return StridedVectorNet(
            features, self.channels, self.width, self.start(start), self.compute, name="vector_net"
        )
