"""The network that turns a whole condition into features at a level's size."""

from dataclasses import dataclass

import flax.linen as nn
from jax import Array

from fullglow_jax.layers.convolution import convolve_square
from fullglow_jax.layers.layer import Initializer, Layer, convolve
from fullglow_jax.layers.precision import Compute
from fullglow_jax.layers.strided_convolution import convolve_blocks

WIDTH = 16
"""Channels at the condition's size."""


class ResizeNet(nn.Module):
    """Prepares the condition for C-Glow's coupling (C-Glow, its code).

    3×3 → 16, k×k with stride k → features, 3×3 → features, each followed by a ReLU.

    Attributes:
        features: Output channels.
        factor: k, the condition's size over the level's.
        strided_init: Initialiser of the strided convolution's kernel; PyTorch's if not given.
        compute: Precision.
    """

    features: int
    factor: int
    strided_init: Initializer | None = None
    compute: Compute = Compute()

    @nn.compact
    def __call__(self, condition: Array) -> Array:
        """(B, H, W, C) → (B, H/k, W/k, features), not negative."""
        k, normal = self.factor, nn.initializers.normal(0.1)
        first = Layer((3, 3, condition.shape[-1], WIDTH), normal, name="conv_0")()
        strided = Layer((k, k, WIDTH, self.features), self.strided_init, name="conv_1")()
        last = Layer((3, 3, self.features, self.features), normal, name="conv_2")()
        products = self.compute.products
        h = nn.relu(convolve(self.compute.cast(condition), first, (1, 1), products))
        h = nn.relu(convolve_blocks(h, strided, products))
        sums = convolve_square(h, last.kernel.astype(h.dtype), (1, 1), products)
        return nn.relu(sums.astype(condition.dtype) + last.bias)


@dataclass(frozen=True)
class Resize:
    """Builder of a `ResizeNet` with half the image's channels, as many as a coupling keeps.

    Attributes:
        factor: The condition's size over the level's.
        strided_init: Initialiser of the strided convolution's kernel; PyTorch's if not given.
        compute: Precision.
    """

    factor: int
    strided_init: Initializer | None
    compute: Compute

    def build(self, features: int, start: Initializer) -> ResizeNet:
        del start
        return ResizeNet(features // 2, self.factor, self.strided_init, self.compute)
