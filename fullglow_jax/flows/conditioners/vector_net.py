"""The network that turns a condition image into one vector per example."""

from dataclasses import dataclass

import flax.linen as nn
import jax.numpy as jnp
from jax import Array, lax

from fullglow_jax.layers.layer import Initializer, Layer, Weights, dense
from fullglow_jax.layers.precision import Compute
from fullglow_jax.layers.row_tiles import convolve_hidden, convolve_in_tiles


class VectorNet(nn.Module):
    """Parameterises the target's actnorm and 1×1 convolution (Full-Glow, section 3.2).

    1×1 → 8, 3×3 → 4, 3×3 → 2, flatten, dense 32, 64, 48, each followed by a ReLU, then the output
    layer. The output layer's weights start at zero, so that its bias alone decides how the
    bijection starts. The dense layers fix the image size: a model is built for one.

    Attributes:
        features: Length of the vector.
        output_bias_init: Initialiser of the output layer's bias.
        compute: Precision. The output layer always computes in the condition's type and at the
            highest precision: its output scales a whole image, and the steps in which its bias
            learns are too small for bfloat16.
    """

    features: int
    output_bias_init: Initializer
    compute: Compute = Compute()

    @nn.compact
    def __call__(self, condition: Array) -> Array:
        """(B, H, W, C) → (B, features); H and W at least 5."""
        first = Layer((condition.shape[-1], 8), name="conv_0")()
        second, third = Layer((3, 3, 8, 4), name="conv_1")(), Layer((3, 3, 4, 2), name="conv_2")()

        compute = self.compute

        def hidden(first: Weights, rows: Array) -> Array:
            return nn.relu(dense(compute.cast(rows[:, 1:-1]), first, compute.products))

        # Convolved with zeros around; the outputs at the border are cut off at the end.
        h = convolve_hidden(hidden, first, (condition,), second.kernel, compute)
        h = compute.cast(nn.relu(h + second.bias))
        h = convolve_in_tiles(h, third.kernel, compute)
        h = nn.relu(h + third.bias.astype(h.dtype))[:, 2:-2, 2:-2]
        # Channel-major, as the original's dense weights are.
        h = h.transpose(0, 3, 1, 2).reshape(h.shape[0], -1)
        for i, width in enumerate((32, 64, 48)):
            layer = Layer((h.shape[-1], width), name=f"dense_{i}")()
            h = nn.relu(dense(h, layer, compute.products))
        zeros = nn.initializers.zeros
        output = Layer((h.shape[-1], self.features), zeros, self.output_bias_init, name="output")()
        if self.is_initializing():
            # The output is the bias, so the compiler drops the rest as unused.
            return jnp.broadcast_to(output.bias, (len(h), self.features))
        return dense(h.astype(condition.dtype), output, lax.Precision.HIGHEST)


@dataclass(frozen=True)
class Vector:
    """Builder of a `VectorNet`, whose output starts as `start` gives it."""

    compute: Compute

    def build(self, features: int, start: Initializer) -> VectorNet:
        return VectorNet(features, start, self.compute, name="vector_net")
