"""Convolutional layers of any square kernel, and their transposes."""

import flax.linen as nn
from jax import Array, lax

from fullglow_jax.layers.convolution import convolve_square
from fullglow_jax.layers.halving import double, halve
from fullglow_jax.layers.layer import Initializer
from fullglow_jax.layers.spectral_norm import SpectralNorm


class SquareConvolution(nn.Module):
    """k×k convolution with stride 1 or 2, or the transpose of one with stride 2.

    Attributes:
        features: Output channels.
        size: k; even for stride 2.
        start: Initialiser of the kernel.
        stride: 1, or 2 to halve the image.
        padding: Rows and columns of zeros on each side.
        bias: Whether a bias, from 0, is added.
        transposed: Whether it doubles the image instead.
        spectral: Whether the kernel is divided by its spectral norm.
        precision: Precision of the products; None for the device's default.
    """

    features: int
    size: int
    start: Initializer
    stride: int = 1
    padding: int = 1
    bias: bool = True
    transposed: bool = False
    spectral: bool = False
    precision: lax.Precision | None = None

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """(B, H, W, C) → (B, h, w, features), in x's type."""
        ends = (self.features, x.shape[-1]) if self.transposed else (x.shape[-1], self.features)
        kernel = self.param("kernel", self.start, (self.size, self.size, *ends))
        if self.spectral:
            kernel = SpectralNorm(name="norm")(kernel)
        y = self._convolved(x, kernel.astype(x.dtype))
        if not self.bias:
            return y
        return y + self.param("bias", nn.initializers.zeros, (self.features,)).astype(x.dtype)

    def _convolved(self, x: Array, kernel: Array) -> Array:
        if self.transposed:
            return double(x, kernel, self.padding, self.precision)
        if self.stride == 2:
            return halve(x, kernel, self.padding, self.precision)
        return convolve_square(x, kernel, (self.padding, self.padding), self.precision)
