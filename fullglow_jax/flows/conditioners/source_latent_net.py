"""The network that shifts a prior by another image's latent."""

from dataclasses import dataclass

import flax.linen as nn
import jax
from jax import Array, lax

from fullglow_jax.layers.layer import Initializer


class SourceLatentNet(nn.Module):
    """LeakyReLU of a 5×5 convolution without a bias, zeros around (DUAL-Glow, its code).

    Attributes:
        features: Output channels.
    """

    features: int

    @nn.compact
    def __call__(self, latent: Array) -> Array:
        """(B, H, W, C) → (B, H, W, features)."""
        shape = (5, 5, latent.shape[-1], self.features)
        kernel = self.param("kernel", _small_uniform, shape)
        y = lax.conv_general_dilated(
            latent,
            kernel,
            window_strides=(1, 1),
            padding="SAME",
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
            precision=lax.Precision.HIGHEST,  # as for the rest of a prior
        )
        return nn.leaky_relu(y, 0.2)


@dataclass(frozen=True)
class SourceLatent:
    """Builder of a `SourceLatentNet`."""

    def build(self, features: int, start: Initializer) -> SourceLatentNet:
        del start
        return SourceLatentNet(features)


def _small_uniform(key: Array, shape: tuple[int, ...]) -> Array:
    return jax.random.uniform(key, shape, minval=-0.05, maxval=0.05)
