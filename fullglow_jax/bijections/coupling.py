"""Affine and additive coupling."""

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from fullglow_jax.bijections.base import Bijection, Conditioner
from fullglow_jax.bijections.coupling_scales import Scale, sigmoid_scale


class AffineCoupling(Bijection):
    """Half the channels scale and shift the other half (Glow, section 3.3; Full-Glow, section 3.2).

        (a, b) = halves of x        (r, t) = halves of NN([a, features])        s = scale(r)
        y = [a, (b + t) ⊙ s]        b = y_b / s − t        log|det| = Σ log s

    An additive coupling only shifts: t is all of NN, and s = 1 (NICE, section 3.2). A coupling of
    the first half has b before a. The conditioner's network computes the features from a
    condition; without one there are none.

    Attributes:
        channels: C, even.
        coupling: Builds NN, called with a and the features.
        conditioner: Builds the network from a condition to features; None for a coupling without a
            condition.
        floor: Lower limit of s: s = floor + (1 − floor)·scale(r). 0, as in the papers, changes
            nothing.
        scale: r → (s, log s); None for an additive coupling.
        moves_first: Whether b is the first half.
    """

    channels: int
    coupling: Conditioner
    conditioner: Conditioner | None = None
    floor: float = 0.0
    scale: Scale | None = sigmoid_scale
    moves_first: bool = False

    def setup(self) -> None:
        """Builds the networks."""
        zeros = nn.initializers.zeros
        self.net = self.coupling.build(self.channels if self.scale else self.channels // 2, zeros)
        if self.conditioner:
            self.spatial_net = self.conditioner.build(self.channels, zeros)

    def parameters(self, condition: Array | None = None, x: Array | None = None) -> Array | None:
        """The condition's features, (B, H, W, C'), or None without a conditioner."""
        del x
        return self.spatial_net(condition) if self.conditioner else None

    def _halves(self, x: Array) -> tuple[Array, Array]:
        """(a, b)."""
        first, second = jnp.split(x, 2, axis=-1)
        return (second, first) if self.moves_first else (first, second)

    def _joined(self, a: Array, b: Array) -> Array:
        return jnp.concatenate([b, a] if self.moves_first else [a, b], axis=-1)

    def _scale_and_shift(self, a: Array, features: Array | None) -> tuple[Array, Array, Array]:
        """s, log s and t, each (B, H, W, C/2)."""
        output = self.net(a, features)
        if self.scale is None:
            return jnp.ones_like(output), jnp.zeros_like(output), output
        raw_scale, shift = jnp.split(output, 2, axis=-1)
        scale, log_scale = self.scale(raw_scale)
        if self.floor:
            scale = self.floor + (1.0 - self.floor) * scale
            log_scale = jnp.log(scale)
        return scale, log_scale, shift

    def transform(self, x: Array, parameters: Array | None) -> tuple[Array, Array]:
        """y = [a, (b + t) ⊙ s]."""
        a, b = self._halves(x)
        scale, log_scale, shift = self._scale_and_shift(a, parameters)
        return self._joined(a, (b + shift) * scale), log_scale.sum(axis=(1, 2, 3))

    def invert(self, y: Array, parameters: Array | None) -> Array:
        """x = [a, y_b / s − t]."""
        a, b = self._halves(y)
        scale, _, shift = self._scale_and_shift(a, parameters)
        return self._joined(a, b / scale - shift)
