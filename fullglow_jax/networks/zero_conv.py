"""The convolution that starts at zero (Glow, section 3.3)."""

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jax import Array

from fullglow_jax.networks.layers import Layer
from fullglow_jax.networks.row_tiles import convolve_in_tiles


class ZeroConv(nn.Module):
    """3×3 convolution, zero at the start, times exp(3·scale).

    The border is padded with *ones*, as in the original: a zero-padded input could not tell the
    network where the image ends. The ones are not laid around the input, whose copy would be
    large: being known, what they add is computed on its own.

    Attributes:
        in_features: Input channels.
        features: Output channels.
        tile: Pixels convolved at a time; None for all.
    """

    in_features: int
    features: int
    tile: int | None = None

    def setup(self) -> None:
        """Starts everything at zero."""
        zeros = nn.initializers.zeros
        self.conv = Layer((3, 3, self.in_features, self.features), zeros, zeros)
        self.scale = self.param("scale", zeros, (self.features,))

    def __call__(self, x: Array) -> Array:
        """(B, H, W, in_features) → (B, H, W, features)."""
        return self.from_sums(convolve_in_tiles(x, self.kernel, self.tile))

    @property
    def kernel(self) -> Array:
        """(3, 3, in_features, features)."""
        return self.conv().kernel

    def from_sums(self, sums: Array) -> Array:
        """The output, from the convolution of the input with zeros around it."""
        kernel, bias = self.conv()
        if self.is_initializing():
            # Known to be zero, so that what the input takes to compute is dropped as unused.
            return jnp.zeros_like(sums)
        height, width = sums.shape[1:3]
        ones_add = _convolved_frame(kernel.sum(axis=2).astype(sums.dtype), height, width)
        return (sums + ones_add + bias) * jnp.exp(3.0 * self.scale)


def _convolved_frame(kernel: Array, height: int, width: int) -> Array:
    """What ones around an image of zeros become under a kernel (3, 3, C): (height, width, C)."""
    # Which of the window's rows lie outside: the upper at the top, the lower at the bottom.
    outside = np.zeros((height, 3), kernel.dtype)
    outside[0, 0] = outside[-1, 2] = 1.0
    rows = jnp.einsum("yi,ijc->yc", outside, kernel)
    left, right = jnp.einsum("yi,ijc->jyc", 1.0 - outside, kernel)[::2]
    column = jnp.arange(width)[:, None]
    sides = jnp.where(column == 0, left[:, None], 0.0)
    sides += jnp.where(column == width - 1, right[:, None], 0.0)
    return rows[:, None] + sides
