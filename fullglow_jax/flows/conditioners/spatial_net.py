"""The network that turns a condition image into features for a coupling."""

from dataclasses import dataclass

import flax.linen as nn
from jax import Array

from fullglow_jax.layers.layer import Initializer, Layer, Weights, convolve
from fullglow_jax.layers.precision import Compute
from fullglow_jax.layers.row_tiles import convolve_hidden


class SpatialNet(nn.Module):
    """Prepares the condition for the target's coupling (Full-Glow, section 3.2).

    Attributes:
        features: Output channels, as many as the coupled image has.
        width: Hidden channels.
        compute: Precision and tiling.
    """

    features: int
    width: int = 128
    compute: Compute = Compute()

    @nn.compact
    def __call__(self, condition: Array) -> Array:
        """(B, H, W, C) → (B, H, W, features), not negative."""
        first = Layer((3, 3, condition.shape[-1], self.width), name="conv_0")()
        second = Layer((3, 3, self.width, self.features), name="conv_1")()

        compute = self.compute

        def hidden(first: Weights, rows: Array) -> Array:
            return nn.relu(convolve(compute.cast(rows), first, (0, 1), compute.products))

        sums = convolve_hidden(hidden, first, (condition,), second.kernel, compute)
        return nn.relu(sums + second.bias)


@dataclass(frozen=True)
class Spatial:
    """Builder of a `SpatialNet`, whose output does not start as a constant."""

    width: int
    compute: Compute

    def build(self, features: int, start: Initializer) -> SpatialNet:
        del start
        return SpatialNet(features, self.width, self.compute)
