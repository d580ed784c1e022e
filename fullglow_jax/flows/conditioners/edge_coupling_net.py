"""The network inside a coupling that sees where the image ends by a channel of its own."""

from dataclasses import dataclass
from functools import partial

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from fullglow_jax.bijections.actnorm import ActNorm
from fullglow_jax.flows.conditioners.coupling_net import convolve_joined, hidden_layers
from fullglow_jax.layers.layer import Initializer, Weights
from fullglow_jax.layers.precision import Compute
from fullglow_jax.layers.row_tiles import convolve_hidden, kept
from fullglow_jax.layers.zero_conv import ZeroConv


class EdgeCouplingNet(nn.Module):
    """3×3 → width, actnorm, ReLU, 1×1 → width, actnorm, ReLU, zero-conv (DUAL-Glow, its code).

    Both 3×3 convolutions read an edge channel too, which is 1 around the image, where all others
    are 0, and 0 inside. The first two have no bias: the actnorms' shifts are theirs.

    Attributes:
        features: Output channels.
        width: Hidden channels; 512 in the paper.
        compute: Precision and tiling.
    """

    features: int
    width: int = 512
    compute: Compute = Compute()

    @nn.compact
    def __call__(self, x: Array, condition: Array | None = None) -> Array:
        """Applies the network to [x, condition], as `CouplingNet` does."""
        # With zeros around it, a channel of ones is 1 less the edge channel.
        ones = jnp.ones_like(x[..., :1])
        with_ones = jnp.concatenate([ones, x], axis=-1)
        inputs = (with_ones,) if condition is None else (with_ones, condition)
        channels = sum(part.shape[-1] for part in inputs)
        normal = nn.initializers.normal(0.05)
        kernel_0 = self.param("kernel_0", normal, (3, 3, channels, self.width))
        kernel_1 = self.param("kernel_1", normal, (self.width, self.width))
        output = ZeroConv(self.width, self.features, name="output", edge=True)
        edge = kernel_0[:, :, 0]
        first = Weights(kernel_0.at[:, :, 0].set(-edge), edge.sum(axis=(0, 1)))

        starting = first, Weights(kernel_1, jnp.zeros(self.width))
        # An actnorm after a convolution is the convolution of scaled weights: so nothing as wide as
        # the hidden layer is scaled, nor summed up for the scale's gradient.
        weights = tuple(
            Weights(layer.kernel * scale, (layer.bias + shift) * scale)
            for layer, (scale, shift) in zip(
                starting, self._actnorms(inputs, first, kernel_1), strict=True
            )
        )
        hidden = partial(hidden_layers, self.compute)
        sums = convolve_hidden(hidden, weights, inputs, output.kernel, self.compute)
        return output.from_sums(kept(sums))

    def _actnorms(
        self, inputs: tuple[Array, ...], first: Weights, kernel_1: Array
    ) -> list[tuple[Array, Array]]:
        """The scale and the shift, (width,), after each of the first two convolutions."""
        actnorms = [ActNorm(self.width, exponent=3.0, name=f"actnorm_{i}") for i in range(2)]
        if not self.is_mutable_collection("params"):  # they have started
            return [_flat(actnorm.parameters()) for actnorm in actnorms]
        rows = tuple(jnp.pad(part, ((0, 0), (1, 1), (0, 0), (0, 0))) for part in inputs)
        h = convolve_joined(rows, first, self.compute.products)
        scale, shift = _flat(actnorms[0].parameters(x=h))
        h = jnp.matmul(nn.relu((h + shift) * scale), kernel_1, precision=self.compute.products)
        return [(scale, shift), _flat(actnorms[1].parameters(x=h))]


@dataclass(frozen=True)
class EdgeCoupling:
    """Builder of an `EdgeCouplingNet`, whose output starts at zero."""

    width: int
    compute: Compute

    def build(self, features: int, start: Initializer) -> EdgeCouplingNet:
        del start
        return EdgeCouplingNet(features, self.width, self.compute)


def _flat(parameters: tuple[Array, Array]) -> tuple[Array, Array]:
    scale, shift = parameters
    return scale.ravel(), shift.ravel()
