"""Squeeze: 2×2 blocks of pixels as channels."""

import jax.numpy as jnp
from jax import Array

from fullglow_jax.bijections.base import Bijection


def squeeze(x: Array) -> Array:
    """(B, H, W, C) → (B, H/2, W/2, 4·C); channel c·4 + 2·dy + dx holds pixel (dy, dx) of c."""
    batch, height, width, channels = x.shape
    x = x.reshape(batch, height // 2, 2, width // 2, 2, channels)
    return x.transpose(0, 1, 3, 5, 2, 4).reshape(batch, height // 2, width // 2, channels * 4)


def unsqueeze(y: Array) -> Array:
    """(B, H/2, W/2, 4·C) → (B, H, W, C), the inverse of `squeeze`."""
    batch, height, width, channels = y.shape
    y = y.reshape(batch, height, width, channels // 4, 2, 2)
    return y.transpose(0, 1, 4, 2, 5, 3).reshape(batch, height * 2, width * 2, channels // 4)


class Squeeze(Bijection):
    """Every 2×2 block of pixels becomes one pixel of four times the channels (RealNVP, 3.6).

    It is a permutation: log|det| = 0.
    """

    def parameters(self, condition: Array | None = None, x: Array | None = None) -> None:
        """None."""
        del condition, x

    def transform(self, x: Array, parameters: None) -> tuple[Array, Array]:
        """(B, H, W, C) → (B, H/2, W/2, 4·C); H and W even."""
        return squeeze(x), jnp.zeros(x.shape[0], x.dtype)

    def invert(self, y: Array, parameters: None) -> Array:
        """(B, H/2, W/2, 4·C) → (B, H, W, C)."""
        return unsqueeze(y)
