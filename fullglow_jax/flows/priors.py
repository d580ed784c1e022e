"""The Gaussian prior of a level's latent."""

from collections.abc import Mapping

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from fullglow_jax.bijections.base import Conditioner
from fullglow_jax.flows.likelihood import gaussian_log_density


class Prior(nn.Module):
    """N(μ, e^{2·log σ}) of a latent, given the kept half and what else it reads.

        (μ, log σ) = halves of net(kept half)        μ ← μ + Σ shift(condition)

    As in a bijection, the work has two parts: `parameters` reads the conditions, once for any
    number of images; all else is done for each image.

    Attributes:
        channels: Channels of the latent.
        base: Builds the network that reads the kept half, (B, H, W, 0) at the last level, which
            keeps nothing; None for N(0, 1).
        shifts: Builders of networks that each read one condition, by the condition's name: another
            image, whose latent at this level is read, or a map.
    """

    channels: int
    base: Conditioner | None = None
    shifts: tuple[tuple[str, Conditioner], ...] = ()

    def setup(self) -> None:
        """Builds the networks."""
        zeros = nn.initializers.zeros
        if self.base:
            self.net = self.base.build(2 * self.channels, zeros)
        for name, shift in self.shifts:
            setattr(self, _shift_name(name), shift.build(self.channels, zeros))

    def parameters(self, conditions: Mapping[str, Array]) -> Array | None:
        """The sum of all shifts, (B or 1, H or 1, W or 1, channels); None if there are none."""
        moves = [getattr(self, _shift_name(name))(conditions[name]) for name, _ in self.shifts]
        return sum(moves[1:], start=moves[0]) if moves else None

    def mean_and_log_std(self, kept: Array, parameters: Array | None) -> tuple[Array, Array]:
        """μ and log σ, each (B, H, W, channels)."""
        if self.base:
            mean, log_std = jnp.split(self.net(kept), 2, axis=-1)
        else:
            mean = log_std = jnp.zeros((*kept.shape[:-1], self.channels), kept.dtype)
        if parameters is not None:
            mean = mean + jnp.repeat(parameters, len(kept) // len(parameters), axis=0)
        return mean, log_std

    def standardise(
        self, latent: Array, kept: Array, parameters: Array | None
    ) -> tuple[Array, Array]:
        """(ε = (z − μ)/σ, log p(z)), (B, H, W, channels) and (B,)."""
        mean, log_std = self.mean_and_log_std(kept, parameters)
        log_density = gaussian_log_density(latent, mean, log_std).sum(axis=(1, 2, 3))
        return (latent - mean) * jnp.exp(-log_std), log_density

    def latent(self, noise: Array, kept: Array, parameters: Array | None) -> Array:
        """z = μ + σ·ε; the noise ε is standard normal, times a temperature."""
        mean, log_std = self.mean_and_log_std(kept, parameters)
        return mean + jnp.exp(log_std) * noise


def _shift_name(condition: str) -> str:
    return f"{condition}_shift"
