"""The layers every network here is made of, with PyTorch's default start."""

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from fullglow_jax.networks.convolution import convolve_3x3

Initializer = Callable[..., Array]


def torch_uniform(fan_in: int) -> Initializer:
    """U(−1/√fan_in, 1/√fan_in), what PyTorch gives weights *and* biases of its layers."""
    bound = fan_in**-0.5

    def initialise(key: Array, shape: tuple[int, ...], dtype: jnp.dtype = jnp.float32) -> Array:
        return jax.random.uniform(key, shape, dtype, -bound, bound)

    return initialise


class Dense(nn.Module):
    """x·kernel + bias over the last axis: a dense layer, or a 1×1 convolution.

    Attributes:
        features: Output channels.
        kernel_init: Start of the kernel, (C_in, features); PyTorch's uniform if not given.
        bias_init: Start of the bias, (features,); PyTorch's uniform if not given.
    """

    features: int
    kernel_init: Initializer | None = None
    bias_init: Initializer | None = None

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """(…, C_in) → (…, features)."""
        uniform = torch_uniform(x.shape[-1])
        shape = (x.shape[-1], self.features)
        kernel = self.param("kernel", self.kernel_init or uniform, shape)
        bias = self.param("bias", self.bias_init or uniform, (self.features,))
        return x @ kernel + bias


class Conv3x3(nn.Module):
    """3×3 convolution.

    Attributes:
        features: Output channels.
        padding: Pixels of padding on each side, 0 or 1.
        pad_value: What the padding holds.
        kernel_init: Start of the kernel, (3, 3, C_in, features); PyTorch's uniform if not given.
        bias_init: Start of the bias, (features,); PyTorch's uniform if not given.
    """

    features: int
    padding: int = 1
    pad_value: float = 0.0
    kernel_init: Initializer | None = None
    bias_init: Initializer | None = None

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """(B, H, W, C_in) → (B, H + 2·padding − 2, W + 2·padding − 2, features)."""
        uniform = torch_uniform(9 * x.shape[-1])
        shape = (3, 3, x.shape[-1], self.features)
        kernel = self.param("kernel", self.kernel_init or uniform, shape)
        bias = self.param("bias", self.bias_init or uniform, (self.features,))
        edge = (self.padding, self.padding)
        padded = jnp.pad(x, ((0, 0), edge, edge, (0, 0)), constant_values=self.pad_value)
        return convolve_3x3(padded, kernel) + bias
