"""The network that turns a condition image into one vector per example."""

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from fullglow_jax.networks.compute import Compute
from fullglow_jax.networks.layers import Initializer, Layer, Weights, dense
from fullglow_jax.networks.row_tiles import convolve_hidden, convolve_in_tiles


class VectorNet(nn.Module):
    """Parameterises the target's actnorm and 1×1 convolution (Full-Glow, section 3.2).

    1×1 → 8, 3×3 → 4, 3×3 → 2, flatten, dense 32, 64, 48, each followed by a ReLU, then the output
    layer. The output layer's weights start at zero, so that the bias alone decides where the
    bijection starts. The dense layers fix the image size: a model is built for one.

    Attributes:
        features: Length of the vector.
        output_bias_init: Start of the output layer's bias.
        compute: Precision. The output layer keeps the condition's: what it returns scales a whole
            image, and its bias learns by less than bfloat16 can tell apart.
    """

    features: int
    output_bias_init: Initializer
    compute: Compute = Compute()

    @nn.compact
    def __call__(self, condition: Array) -> Array:
        """(B, H, W, C) → (B, features); H and W at least 5."""
        first = Layer((condition.shape[-1], 8), name="conv_0")()
        second, third = Layer((3, 3, 8, 4), name="conv_1")(), Layer((3, 3, 4, 2), name="conv_2")()

        def hidden(first: Weights, rows: Array) -> Array:
            return nn.relu(dense(self.compute.cast(rows[:, 1:-1]), first))

        # Convolved with zeros around, whose outputs at the border are cut off at the end.
        h = convolve_hidden(hidden, first, (condition,), second.kernel, self.compute)
        h = self.compute.cast(nn.relu(h + second.bias))
        h = convolve_in_tiles(h, third.kernel, self.compute.tile)
        h = nn.relu(h + third.bias.astype(h.dtype))[:, 2:-2, 2:-2]
        # Channel-major, the order in which the original's dense weights lie.
        h = h.transpose(0, 3, 1, 2).reshape(h.shape[0], -1)
        for i, width in enumerate((32, 64, 48)):
            h = nn.relu(dense(h, Layer((h.shape[-1], width), name=f"dense_{i}")()))
        zeros = nn.initializers.zeros
        output = Layer((h.shape[-1], self.features), zeros, self.output_bias_init, name="output")()
        if self.is_initializing():
            # Known to be the bias, so that what the rest takes to compute is dropped as unused.
            return jnp.broadcast_to(output.bias, (len(h), self.features))
        return dense(h.astype(condition.dtype), output)
