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
    """

    features: int

    @nn.compact
    def __call__(self, kept: Array) -> Array:
        """(B, H, W, 0) → (B, H, W, features): μ, then log σ."""
        shape = (*kept.shape[1:3], self.features // 2)
        parts = [self.param(name, nn.initializers.zeros, shape) for name in ("mean", "log_std")]
        return jnp.broadcast_to(
            jnp.concatenate(parts, axis=-1), (*kept.shape[:3], self.features)
        ).astype(kept.dtype)


@dataclass(frozen=True)
class FreeTop:
    """Builder of `FreeTopParameters`."""

    def build(self, features: int, start: Initializer) -> FreeTopParameters:
        del start
        return FreeTopParameters(features)
