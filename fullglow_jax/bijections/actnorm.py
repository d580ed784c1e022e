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


def normalising_scale_and_shift(x: Array | None, channels: int, bessel: bool) -> ScaleAndShift:
    """The (C,) scale and shift under which x has mean 0 and deviation 1 in every channel.

    Statistics are over batch and space, the deviation with or without Bessel's correction. A single
    value has no deviation: its scale is 1. Without an x, this is the identity: ones and zeros.
    """
    if x is None:
        return ScaleAndShift(jnp.ones(channels), jnp.zeros(channels))
    shift = -x.mean(axis=(0, 1, 2))
    if x[..., 0].size == 1:
        return ScaleAndShift(jnp.ones_like(shift), shift)
    deviation = x.std(axis=(0, 1, 2), ddof=int(bessel))
    return ScaleAndShift(1.0 / (deviation + 1e-6), shift)


class ActNorm(Bijection):
    """A scale and a shift per channel (Glow, section 3.1; Full-Glow, section 3.2).

        y = s ⊙ (x + t)        x = y / s − t        log|det| = H·W·Σ log|s|

    What is trained is s itself or, with an exponent k, l in s = e^{k·l}. The first batch sets them
    so that y has mean 0 and deviation 1; the deviation has Bessel's correction for s itself, and
    none for l, as in the codes that have these forms. With a conditioner, a network computes s or
    l, and t, from a condition and starts at the same values.

    Attributes:
        channels: C.
        conditioner: Builds the network that computes s or l, then t, as one vector, from a
            condition; None for an actnorm with its own parameters.
        floor: Lower limit of |s|: s becomes ±√(s² + floor²), which is smooth, so that s still
            learns. 0, as in the papers, changes nothing.
        exponent: k; 0 to train s itself.
    """

    channels: int
    conditioner: Conditioner | None = None
    floor: float = 0.0
    exponent: float = 0.0

    @nn.compact
    def parameters(self, condition: Array | None = None, x: Array | None = None) -> ScaleAndShift:
        """s and t, (1, 1, 1, C), or (B, 1, 1, C) with a condition."""
        k = self.exponent
        scale, shift = normalising_scale_and_shift(x, self.channels, bessel=not k)
        start = {"log_scale": jnp.log(scale) / k} if k else {"scale": scale}
        start["shift"] = shift
        if self.conditioner:
            flat = jnp.concatenate(list(start.values()))
            vector = self.conditioner.build(flat.size, lambda *_: flat)(condition)
        else:
            own = [self.param(name, lambda _, v=value: v) for name, value in start.items()]
            vector = jnp.concatenate(own)[None]
        scale, shift = jnp.split(vector[:, None, None], 2, axis=-1)
        if k:
            scale = jnp.exp(k * scale)
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
