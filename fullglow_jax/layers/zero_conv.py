"""The convolution that starts at zero (Glow, section 3.3)."""

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from fullglow_jax.layers.layer import Layer
from fullglow_jax.layers.precision import Compute
from fullglow_jax.layers.row_tiles import convolve_in_tiles


class ZeroConv(nn.Module):
    """3×3 convolution, zero at the start, times exp(3·scale).

    The border is padded with *ones*, as in the original: with zeros, the network could not see
    where the image ends. To save a large copy of the input with ones around it, the part of the
    ones in the result is computed separately.

    Attributes:
        in_features: Input channels.
        features: Output channels.
        tile: Pixels convolved at a time; None for all.
        precision: Precision of the convolution, as in `Compute`; the output has the input's type.
        edge: Whether the input has zeros around it, and an edge channel before the input's, which
            is zero inside, has the ones.
    """

    in_features: int
    features: int
    tile: int | None = None
    precision: str = "float32"
    edge: bool = False

    def setup(self) -> None:
        """Starts everything at zero."""
        zeros = nn.initializers.zeros
        self.conv = Layer((3, 3, self.in_features + self.edge, self.features), zeros, zeros)
        self.scale = self.param("scale", zeros, (self.features,))

    def __call__(self, x: Array) -> Array:
        """(B, H, W, in_features) → (B, H, W, features); (B, H, W, 0) is read as zeros."""
        if x.shape[-1] == 0:
            return self.from_sums(jnp.zeros((*x.shape[:-1], self.features), x.dtype))
        compute = Compute(self.precision, self.tile)
        return self.from_sums(convolve_in_tiles(x, self.kernel, compute))

    @property
    def kernel(self) -> Array:
        """(3, 3, in_features, features)."""
        return self.conv().kernel[:, :, self.edge :]

    def from_sums(self, sums: Array) -> Array:
        """The output, from the convolution of the input with zeros around it."""
        kernel, bias = self.conv()
        if self.is_initializing():
            # The output is zero, so the compiler drops the computation of the input.
            return jnp.zeros_like(sums)
        height, width = sums.shape[1:3]
        of_ones = kernel[:, :, 0] if self.edge else kernel.sum(axis=2)
        ones_add = _convolved_frame(of_ones.astype(sums.dtype), height, width)
        return (sums + ones_add + bias) * jnp.exp(3.0 * self.scale)


def _convolved_frame(kernel: Array, height: int, width: int) -> Array:
    """A kernel, (3, 3, C), applied to an image of zeros with ones around: (height, width, C)."""
    # The rows of the window that lie outside: the upper at the top, the lower at the bottom.
    outside = np.zeros((height, 3), kernel.dtype)
    outside[0, 0] = outside[-1, 2] = 1.0
    # These products are sums of a kernel's taps; to have them exact costs nothing.
    exact = lax.Precision.HIGHEST
    rows = jnp.einsum("yi,ijc->yc", outside, kernel, precision=exact)
    left, right = jnp.einsum("yi,ijc->jyc", 1.0 - outside, kernel, precision=exact)[::2]
    column = jnp.arange(width)[:, None]
    sides = jnp.where(column == 0, left[:, None], 0.0)
    sides += jnp.where(column == width - 1, right[:, None], 0.0)
    return rows[:, None] + sides
