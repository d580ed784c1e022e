"""The network inside a coupling whose output is bounded."""

from dataclasses import dataclass
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from fullglow_jax.flows.conditioners.coupling_net import convolve_joined
from fullglow_jax.layers.layer import Initializer, Layer, dense
from fullglow_jax.layers.precision import Compute
from fullglow_jax.layers.row_tiles import convolve_hidden, costly, kept


class TanhCouplingNet(nn.Module):
    """3×3 → width, scale, ReLU, 1×1 → width, scale, ReLU, 3×3, scale, tanh (C-Glow, its code).

    Each scale is e to the power of what is trained; the last, to three times that. All zeros around
    the image. The last convolution has two biases, and so Adam moves their sum twice as fast.

    Attributes:
        features: Output channels.
        width: Hidden channels.
        compute: Precision and tiling.
    """

    features: int
    width: int
    compute: Compute = Compute()

    @nn.compact
    def __call__(self, x: Array, condition: Array | None = None) -> Array:
        """Applies the network to [x, condition], as `CouplingNet` does; in (-1, 1)."""
        inputs = (x,) if condition is None else (x, condition)
        channels = sum(part.shape[-1] for part in inputs)
        normal, zeros = nn.initializers.normal(0.05), nn.initializers.zeros
        first = Layer((3, 3, channels, self.width), normal, normal, name="conv_0")()
        scale_0 = self.param("scale_0", normal, (self.width,))
        second = Layer((self.width, self.width), normal, normal, name="conv_1")()
        scale_1 = self.param("scale_1", normal, (self.width,))
        output = Layer((3, 3, self.width, self.features), zeros, zeros, name="output")()
        shift = self.param("output_shift", zeros, (self.features,))
        scale = self.param("output_scale", zeros, (self.features,))

        compute = self.compute

        def hidden(weights: Any, *parts: Array) -> Array:
            first, scale_0, second, scale_1 = weights
            parts = tuple(map(compute.cast, parts))
            h = convolve_joined(parts, first, compute.products)
            h = nn.relu(h * jnp.exp(scale_0).astype(h.dtype))
            h = costly(dense(h, second, compute.products))
            return nn.relu(h * jnp.exp(scale_1).astype(h.dtype))

        weights = (first, scale_0, second, scale_1)
        sums = kept(convolve_hidden(hidden, weights, inputs, output.kernel, compute))
        return nn.tanh((sums + output.bias + shift) * jnp.exp(3.0 * scale))


@dataclass(frozen=True)
class TanhCoupling:
    """Builder of a `TanhCouplingNet`, whose output starts at zero."""

    width: int
    compute: Compute

    def build(self, features: int, start: Initializer) -> TanhCouplingNet:
        del start
        return TanhCouplingNet(features, self.width, self.compute)
