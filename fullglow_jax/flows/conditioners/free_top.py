"""No network: a prior's mean and deviation, one for each value of the last level's latent."""

from dataclasses import dataclass

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from fullglow_jax.layers.layer import Initializer


class FreeTopParameters(nn.Module):
    """μ and log σ, (H, W, C) each, which are trained and start at zero (C-Glow, its code).

    They fix the image size: a model is built for one.

    Attributes:
        features: 2·C.
        learned: Whether they count. If not, the prior is standard normal; but they are there, as in
            the original, so that its files fit, and so that its parameters are as many.
    """

    features: int
    learned: bool

    @nn.compact
    def __call__(self, kept: Array) -> Array:
        """(B, H, W, 0) → (B, H, W, features): μ, then log σ."""
        shape = (*kept.shape[1:3], self.features // 2)
        parts = [self.param(name, nn.initializers.zeros, shape) for name in ("mean", "log_std")]
        values = jnp.concatenate(parts, axis=-1).astype(kept.dtype)
        used = values if self.learned else jnp.zeros_like(values)
        return jnp.broadcast_to(used, (*kept.shape[:3], self.features))


@dataclass(frozen=True)
class FreeTop:
    """Builder of `FreeTopParameters`."""

    learned: bool

    def build(self, features: int, start: Initializer) -> FreeTopParameters:
        del start
        return FreeTopParameters(features, self.learned)
