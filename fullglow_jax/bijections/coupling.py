"""Affine coupling."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from fullglow_jax.bijections.base import Bijection, Conditioner


class AffineCoupling(Bijection):
    """Half the channels scale and shift the other half (Glow, section 3.3; Full-Glow, section 3.2).

        (a, b) = halves of x        (r, t) = halves of NN([a, features])        s = sigmoid(r + 2)
        y = [a, (b + t) ⊙ s]        b = y_b / s − t        log|det| = Σ log s

    The conditioner's network computes the features from a condition; without one there are none.

    Attributes:
        channels: C, even.
        coupling: Builds NN, called with a and the features.
        conditioner: Builds the network from a condition to features, (B, H, W, C); None for a
            coupling without a condition.
        floor: Lower limit of s: s = floor + (1 − floor)·sigmoid(r + 2). 0, as in the papers,
            changes nothing.
    """

    channels: int
    coupling: Conditioner
    conditioner: Conditioner | None = None
    floor: float = 0.0

    def setup(self) -> None:
        """Builds the networks."""
        zeros = nn.initializers.zeros
        self.net = self.coupling.build(self.channels, zeros)
        if self.conditioner:
            self.spatial_net = self.conditioner.build(self.channels, zeros)

    def parameters(self, condition: Array | None = None, x: Array | None = None) -> Array | None:
        """The condition's features, (B, H, W, C), or None without a conditioner."""
        del x
        return self.spatial_net(condition) if self.conditioner else None

    def _scale_and_shift(self, a: Array, features: Array | None) -> tuple[Array, Array, Array]:
        """s, log s and t, each (B, H, W, C/2)."""
        raw_scale, shift = jnp.split(self.net(a, features), 2, axis=-1)
        raw_scale = raw_scale + 2.0
        scale, log_scale = jax.nn.sigmoid(raw_scale), jax.nn.log_sigmoid(raw_scale)
        if self.floor:
            scale = self.floor + (1.0 - self.floor) * scale
            log_scale = jnp.log(scale)
        return scale, log_scale, shift

    def transform(self, x: Array, parameters: Array | None) -> tuple[Array, Array]:
        """y = [a, (b + t) ⊙ s]."""
        a, b = jnp.split(x, 2, axis=-1)
        scale, log_scale, shift = self._scale_and_shift(a, parameters)
        y = jnp.concatenate([a, (b + shift) * scale], axis=-1)
        return y, log_scale.sum(axis=(1, 2, 3))

    def invert(self, y: Array, parameters: Array | None) -> Array:
        """x = [a, y_b / s − t]."""
        a, b = jnp.split(y, 2, axis=-1)
        scale, _, shift = self._scale_and_shift(a, parameters)
        return jnp.concatenate([a, b / scale - shift], axis=-1)
