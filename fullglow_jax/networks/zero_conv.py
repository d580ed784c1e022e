"""The convolution that starts at zero (Glow, section 3.3)."""

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from fullglow_jax.networks.layers import Conv3x3


class ZeroConv(nn.Module):
    """3×3 convolution, zero at the start, times exp(3·scale).

    The border is padded with *ones*, as in the original: a zero-padded input could not tell the
    network where the image ends.

    Attributes:
        features: Output channels.
    """

    features: int

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """(B, H, W, C) → (B, H, W, features)."""
        zeros = nn.initializers.zeros
        y = Conv3x3(self.features, pad_value=1.0, kernel_init=zeros, bias_init=zeros, name="conv")(
            x
        )
        scale = self.param("scale", zeros, (self.features,))
        return y * jnp.exp(3.0 * scale)
