"""The network that turns a condition image into one vector per example."""

import flax.linen as nn
from jax import Array

from fullglow_jax.networks.layers import Conv3x3, Dense, Initializer


class VectorNet(nn.Module):
    """Parameterises the target's actnorm and 1×1 convolution (Full-Glow, section 3.2).

    1×1 → 8, 3×3 → 4, 3×3 → 2, flatten, dense 32, 64, 48, each followed by a ReLU, then the output
    layer. The output layer's weights start at zero, so that the bias alone decides where the
    bijection starts. The dense layers fix the image size: a model is built for one.

    Attributes:
        features: Length of the vector.
        output_bias_init: Start of the output layer's bias.
    """

    features: int
    output_bias_init: Initializer

    @nn.compact
    def __call__(self, condition: Array) -> Array:
        """(B, H, W, C) → (B, features); H and W at least 5."""
        h = nn.relu(Dense(8, name="conv_0")(condition))
        h = nn.relu(Conv3x3(4, padding=0, name="conv_1")(h))
        h = nn.relu(Conv3x3(2, padding=0, name="conv_2")(h))
        # Channel-major, the order in which the original's dense weights lie.
        h = h.transpose(0, 3, 1, 2).reshape(h.shape[0], -1)
        for i, width in enumerate((32, 64, 48)):
            h = nn.relu(Dense(width, name=f"dense_{i}")(h))
        return Dense(
            self.features,
            kernel_init=nn.initializers.zeros,
            bias_init=self.output_bias_init,
            name="output",
        )(h)
