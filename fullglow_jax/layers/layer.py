"""Dense and convolutional layers with PyTorch's default initialisation.

Modules own the weights; functions compute with them, also in a loop over parts of an image.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array, lax

from fullglow_jax.layers.convolution import Padding, convolve_square

Initializer = Callable[..., Array]


class Weights(NamedTuple):
    """A kernel, (C_in, C_out) or (3, 3, C_in, C_out), and a bias, (C_out,)."""

    kernel: Array
    bias: Array


def torch_uniform(fan_in: int) -> Initializer:
    """U(−1/√fan_in, 1/√fan_in), PyTorch's initialisation of weights *and* biases."""
    bound = fan_in**-0.5
    return lambda key, shape: jax.random.uniform(key, shape, jnp.float32, -bound, bound)


class Layer(nn.Module):
    """A kernel and a bias.

    Attributes:
        shape: Shape of the kernel, output channels last.
        kernel_init: Initialiser of the kernel; `torch_uniform` if not given.
        bias_init: Initialiser of the bias; `torch_uniform` if not given.
    """

    shape: tuple[int, ...]
    kernel_init: Initializer | None = None
    bias_init: Initializer | None = None

    @nn.compact
    def __call__(self) -> Weights:
        """The weights."""
        uniform = torch_uniform(math.prod(self.shape[:-1]))
        return Weights(
            self.param("kernel", self.kernel_init or uniform, self.shape),
            self.param("bias", self.bias_init or uniform, self.shape[-1:]),
        )


def dense(x: Array, weights: Weights, precision: lax.Precision | None = None) -> Array:
    """x·kernel + bias over the last axis, in x's type: a dense layer, or a 1×1 convolution."""
    kernel, bias = (leaf.astype(x.dtype) for leaf in weights)
    return jnp.matmul(x, kernel, precision=precision) + bias


def convolve(
    x: Array, weights: Weights, padding: Padding = (0, 0), precision: lax.Precision | None = None
) -> Array:
    """3×3 convolution with a bias, in x's type."""
    kernel, bias = (leaf.astype(x.dtype) for leaf in weights)
    return convolve_square(x, kernel, padding, precision) + bias
