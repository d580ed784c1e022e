"""The network inside an affine coupling."""

import flax.linen as nn
from jax import Array

from fullglow_jax.networks.layers import Conv3x3, Dense
from fullglow_jax.networks.zero_conv import ZeroConv


class CouplingNet(nn.Module):
    """3×3 → width, ReLU, 1×1 → width, ReLU, zero-conv → features (Glow, section 3.3).

    Attributes:
        features: Output channels.
        width: Hidden channels; 512 in the paper.
    """

    features: int
    width: int = 512

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """(B, H, W, C) → (B, H, W, features)."""
        start = {
            "kernel_init": nn.initializers.normal(0.05),
            "bias_init": nn.initializers.zeros,
        }
        h = nn.relu(Conv3x3(self.width, name="conv_0", **start)(x))
        h = nn.relu(Dense(self.width, name="conv_1", **start)(h))
        return ZeroConv(self.features, name="output")(h)
