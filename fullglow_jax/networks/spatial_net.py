"""The network that turns a condition image into features for a coupling."""

import flax.linen as nn
from jax import Array

from fullglow_jax.networks.layers import Conv3x3


class SpatialNet(nn.Module):
    """Prepares the condition for the target's coupling (Full-Glow, section 3.2).

    Attributes:
        features: Output channels, as many as the coupled image has.
        width: Hidden channels.
    """

    features: int
    width: int = 128

    @nn.compact
    def __call__(self, condition: Array) -> Array:
        """(B, H, W, C) → (B, H, W, features), not negative."""
        h = nn.relu(Conv3x3(self.width, name="conv_0")(condition))
        return nn.relu(Conv3x3(self.features, name="conv_1")(h))
