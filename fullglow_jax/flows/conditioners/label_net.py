"""The network that shifts a prior by a class."""

from dataclasses import dataclass

import flax.linen as nn
import jax.numpy as jnp
from jax import Array, lax

from fullglow_jax.layers.layer import Initializer, Layer, dense


class LabelNet(nn.Module):
    """(y·W + b)·e^{3·scale} of a one-hot class y; all start at zero (DUAL-Glow, its code).

    Attributes:
        features: Output channels.
    """

    features: int

    @nn.compact
    def __call__(self, label: Array) -> Array:
        """(B, classes) → (B, 1, 1, features)."""
        zeros = nn.initializers.zeros
        layer = Layer((label.shape[-1], self.features), zeros, zeros, name="dense")()
        scale = self.param("scale", zeros, (self.features,))
        vector = dense(label, layer, lax.Precision.HIGHEST) * jnp.exp(3.0 * scale)
        return vector[:, None, None]


@dataclass(frozen=True)
class Label:
    """Builder of a `LabelNet`."""

    def build(self, features: int, start: Initializer) -> LabelNet:
        del start
        return LabelNet(features)
