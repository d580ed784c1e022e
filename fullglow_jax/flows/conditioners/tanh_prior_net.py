"""The network from the kept half to a prior's mean and deviation that are bounded."""

from dataclasses import dataclass

import flax.linen as nn
from jax import Array

from fullglow_jax.layers.layer import Initializer, Layer
from fullglow_jax.layers.precision import Compute
from fullglow_jax.layers.row_tiles import convolve_in_tiles


class TanhPriorNet(nn.Module):
    """tanh of a 3×3 convolution, zeros around (C-Glow, its code).

    Attributes:
        features: Output channels.
        tile: Pixels convolved at a time; None for all.
    """

    features: int
    tile: int | None = None

    @nn.compact
    def __call__(self, kept: Array) -> Array:
        """(B, H, W, C) → (B, H, W, features), in (-1, 1)."""
        normal = nn.initializers.normal(0.1)
        kernel, bias = Layer((3, 3, kept.shape[-1], self.features), normal, name="conv")()
        return nn.tanh(convolve_in_tiles(kept, kernel, Compute("highest", self.tile)) + bias)


@dataclass(frozen=True)
class TanhKeptHalf:
    """Builder of a `TanhPriorNet`.

    Attributes:
        tile: Pixels convolved at a time; None for all.
    """

    tile: int | None = None

    def build(self, features: int, start: Initializer) -> TanhPriorNet:
        del start
        return TanhPriorNet(features, self.tile)
