"""The learned Gaussian prior of a level's latent."""

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from fullglow_jax.flows.likelihood import gaussian_log_density
from fullglow_jax.layers.precision import Compute
from fullglow_jax.layers.zero_conv import ZeroConv


class GaussianPrior(nn.Module):
    """N(μ, e^{2·log σ}) with (μ, log σ) = zero-conv(kept half) (Glow, section 3.6; its code).

    The last level keeps nothing, (B, H, W, 0): there the zero-conv reads zeros.

    Attributes:
        channels: Channels of the latent.
        compute: Tiling. The precision is always the highest: encoding and decoding must compute
            the same μ and σ.
    """

    channels: int
    compute: Compute = Compute()

    def setup(self) -> None:
        """Builds the zero-conv."""
        self.net = ZeroConv(self.channels, 2 * self.channels, self.compute.tile, "highest")

    def mean_and_log_std(self, kept: Array) -> tuple[Array, Array]:
        """μ and log σ, each (B, H, W, channels)."""
        if kept.shape[-1] == 0:
            kept = jnp.zeros((*kept.shape[:-1], self.channels), kept.dtype)
        mean, log_std = jnp.split(self.net(kept), 2, axis=-1)
        return mean, log_std

    def log_density(self, latent: Array, kept: Array) -> Array:
        """log p(latent | kept), (B,)."""
        mean, log_std = self.mean_and_log_std(kept)
        return gaussian_log_density(latent, mean, log_std).sum(axis=(1, 2, 3))

    def latent(self, noise: Array, kept: Array) -> Array:
        """μ + σ·noise; the noise is standard normal, times a temperature."""
        mean, log_std = self.mean_and_log_std(kept)
        return mean + jnp.exp(log_std) * noise
