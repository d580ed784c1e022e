"""Activation normalisation."""

from typing import NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from fullglow_jax.bijections.base import Bijection, grouped, per_image, required
from fullglow_jax.networks import Compute, VectorNet


class ScaleAndShift(NamedTuple):
    """Actnorm's parameters, each (1 or B, 1, 1, C)."""

    scale: Array
    shift: Array


def normalising_scale_and_shift(x: Array | None, channels: int) -> ScaleAndShift:
    """The (C,) scale and shift under which x has mean 0 and deviation 1 in every channel.

    Batch and space are pooled and the deviation has Bessel's correction. Without an x: ones and
    zeros, the identity.
    """
    if x is None:
        return ScaleAndShift(jnp.ones(channels), jnp.zeros(channels))
    deviation = x.std(axis=(0, 1, 2), ddof=1)
    return ScaleAndShift(1.0 / (deviation + 1e-6), -x.mean(axis=(0, 1, 2)))


def _away_from_zero(scale: Array, floor: float) -> Array:
    if not floor:
        return scale
    return jnp.where(scale < 0, -1.0, 1.0) * jnp.sqrt(scale**2 + floor**2)


class ActNorm(Bijection):
    """A scale and a shift per channel (Glow, section 3.1; Full-Glow, section 3.2).

        y = s ⊙ (x + t)        x = y / s − t        log|det| = H·W·Σ log|s|

    s and t start from the first batch, so that y starts with mean 0 and deviation 1. With a
    condition they come from a vector net, whose last bias starts from those same values.

    Attributes:
        channels: C.
        conditional: Whether a vector net reads s and t off the condition.
        compute: How that net computes.
        floor: What |s| does not fall under: it is ±√(s² + floor²) then, smooth, so that s still
            learns. 0, as in the papers, changes nothing.
    """

    channels: int
    conditional: bool = False
    compute: Compute = Compute()
    floor: float = 0.0

    @nn.compact
    def parameters(self, condition: Array | None = None, x: Array | None = None) -> ScaleAndShift:
        """s and t, (1, 1, 1, C), or (B, 1, 1, C) with a condition."""
        start = normalising_scale_and_shift(x, self.channels)
        if self.conditional:
            vector = VectorNet(
                2 * self.channels,
                lambda *_: jnp.concatenate(start),
                self.compute,
                name="vector_net",
            )(required(condition))
        else:
            scale = self.param("scale", lambda _: start.scale)
            shift = self.param("shift", lambda _: start.shift)
            vector = jnp.concatenate([scale, shift])[None]
        scale, shift = jnp.split(vector[:, None, None], 2, axis=-1)
        return ScaleAndShift(_away_from_zero(scale, self.floor), shift)

    def transform(self, x: Array, parameters: ScaleAndShift) -> tuple[Array, Array]:
        """y = s ⊙ (x + t)."""
        scale, shift = parameters
        _, height, width, _ = x.shape
        log_det = height * width * jnp.log(jnp.abs(scale)).sum(axis=(1, 2, 3))
        y = scale * (grouped(x, scale) + shift)
        return y.reshape(x.shape), per_image(log_det, x)

    def invert(self, y: Array, parameters: ScaleAndShift) -> Array:
        """x = y / s − t."""
        scale, shift = parameters
        return (grouped(y, scale) / scale - shift).reshape(y.shape)
