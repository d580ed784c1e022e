"""Activation normalisation."""

from typing import NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from fullglow_jax.bijections.base import Bijection, Conditioner, grouped, per_image


class ScaleAndShift(NamedTuple):
    """Actnorm's parameters, each (1 or B, 1, 1, C)."""

    scale: Array
    shift: Array


def normalising_scale_and_shift(x: Array | None, channels: int) -> ScaleAndShift:
    """The (C,) scale and shift under which x has mean 0 and deviation 1 in every channel.

    Statistics are over batch and space, the deviation with Bessel's correction. A single value has
    no deviation: its scale is 1. Without an x, this is the identity: ones and zeros.
    """
    if x is None:
        return ScaleAndShift(jnp.ones(channels), jnp.zeros(channels))
    shift = -x.mean(axis=(0, 1, 2))
    if x[..., 0].size == 1:
        return ScaleAndShift(jnp.ones_like(shift), shift)
    deviation = x.std(axis=(0, 1, 2), ddof=1)
    return ScaleAndShift(1.0 / (deviation + 1e-6), shift)


class ActNorm(Bijection):
    """A scale and a shift per channel (Glow, section 3.1; Full-Glow, section 3.2).

        y = s ⊙ (x + t)        x = y / s − t        log|det| = H·W·Σ log|s|

    The first batch sets s and t so that y has mean 0 and deviation 1. With a conditioner, a
    network computes s and t from a condition and starts at the same values.

    Attributes:
        channels: C.
        conditioner: Builds the network that computes s and t, as one vector, from a condition;
            None for an actnorm with its own parameters.
        floor: Lower limit of |s|: s becomes ±√(s² + floor²), which is smooth, so that s still
            learns. 0, as in the papers, changes nothing.
    """

    channels: int
    conditioner: Conditioner | None = None
    floor: float = 0.0

    @nn.compact
    def parameters(self, condition: Array | None = None, x: Array | None = None) -> ScaleAndShift:
        """s and t, (1, 1, 1, C), or (B, 1, 1, C) with a condition."""
        start = normalising_scale_and_shift(x, self.channels)
        if self.conditioner:
            net = self.conditioner.build(2 * self.channels, lambda *_: jnp.concatenate(start))
            vector = net(condition)
        else:
            scale = self.param("scale", lambda _: start.scale)
            shift = self.param("shift", lambda _: start.shift)
            vector = jnp.concatenate([scale, shift])[None]
        scale, shift = jnp.split(vector[:, None, None], 2, axis=-1)
        if self.floor:
            scale = jnp.where(scale < 0, -1.0, 1.0) * jnp.sqrt(scale**2 + self.floor**2)
        return ScaleAndShift(scale, shift)

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
