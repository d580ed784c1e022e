"""Convolution within instances (INADE, Tan et al. 2021, section 3.3)."""

import flax.linen as nn
import jax.numpy as jnp
from jax import Array, lax

from fullglow_jax.layers.layer import Initializer

SIZE = 3
"""Of kernels."""

MIDDLE = SIZE * SIZE // 2
"""The tap in the middle, counted by rows."""


class InstanceConvolution(nn.Module):
    """3×3 convolution that reads zeros in place of pixels of another instance than the middle's.

    Attributes:
        features: Output channels.
        start: Initialiser of the kernel.
        stride: 1, or 2 for the even pixels alone.
        precision: Precision of the products; None for the device's default.
    """

    features: int
    start: Initializer
    stride: int = 1
    precision: lax.Precision | None = None

    @nn.compact
    def __call__(self, x: Array, instances: Array) -> Array:
        """(B, H, W, C) → (B, ⌈H/stride⌉, ⌈W/stride⌉, features), in x's type.

        Args:
            x: The images.
            instances: (B, H, W), the instance of each pixel.
        """
        channels = x.shape[-1]
        kernel = self.param("kernel", self.start, (SIZE, SIZE, channels, self.features))
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        kernel = kernel.astype(x.dtype)
        # As a product of matrices with the taps on the side of the fewer channels.
        form = self._of_taps if channels <= self.features else self._of_products
        return form(x, kernel, instances) + bias.astype(x.dtype)

    def _of_taps(self, x: Array, kernel: Array, instances: Array) -> Array:
        taps = [self._within(tap, x, instances) for tap in range(SIZE * SIZE)]
        rows = kernel.reshape(-1, self.features)
        return jnp.matmul(jnp.concatenate(taps, axis=-1), rows, precision=self.precision)

    def _of_products(self, x: Array, kernel: Array, instances: Array) -> Array:
        columns = kernel.transpose(2, 0, 1, 3).reshape(x.shape[-1], -1)
        products = jnp.matmul(x, columns, precision=self.precision)
        of_taps = enumerate(jnp.split(products, SIZE * SIZE, axis=-1))
        first, *others = (self._within(tap, each, instances) for tap, each in of_taps)
        return sum(others, first)

    def _within(self, tap: int, x: Array, instances: Array) -> Array:
        """What lies at a tap, counted by rows; 0 if it is of another instance than the middle."""
        ids = instances[..., jnp.newaxis]
        return jnp.where(self._at(tap, ids) == self._at(MIDDLE, ids), self._at(tap, x), 0)

    def _at(self, tap: int, x: Array) -> Array:
        """(B, h, w, C); zeros around the image."""
        batch, height, width, channels = x.shape
        padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        row, column = divmod(tap, SIZE)
        end = (batch, row + height, column + width, channels)
        return lax.slice(padded, (0, row, column, 0), end, (1, self.stride, self.stride, 1))
