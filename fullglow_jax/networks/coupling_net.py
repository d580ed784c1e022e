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
        normal, zeros = nn.initializers.normal(0.05), nn.initializers.zeros
        h = Conv3x3(self.width, kernel_init=normal, bias_init=zeros, name="conv_0")(x)
        h = Dense(self.width, kernel_init=normal, bias_init=zeros, name="conv_1")(nn.relu(h))
        h = nn.relu(h)
        return ZeroConv(self.features, name="output")(h)
