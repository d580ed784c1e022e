"""The layers every network here is made of, with PyTorch's default start.

Modules own the weights and functions do the work, so that the work can be done in a loop over
parts of an image.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from fullglow_jax.networks.convolution import Padding, convolve_3x3

Initializer = Callable[..., Array]


class Weights(NamedTuple):
    """A kernel, (C_in, C_out) or (3, 3, C_in, C_out), and a bias, (C_out,)."""

    kernel: Array
    bias: Array


def torch_uniform(fan_in: int) -> Initializer:
    """U(−1/√fan_in, 1/√fan_in), what PyTorch gives weights *and* biases of its layers."""
    bound = fan_in**-0.5

    def initialise(key: Array, shape: tuple[int, ...], dtype: jnp.dtype = jnp.float32) -> Array:
        return jax.random.uniform(key, shape, dtype, -bound, bound)

    return initialise


class Layer(nn.Module):
    """A kernel and a bias.

    Attributes:
        shape: The kernel's, output channels last.
        kernel_init: Start of the kernel; PyTorch's uniform if not given.
        bias_init: Start of the bias; PyTorch's uniform if not given.
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


def dense(x: Array, weights: Weights) -> Array:
    """x·kernel + bias over the last axis: a dense layer, or a 1×1 convolution. In x's type."""
    kernel, bias = (leaf.astype(x.dtype) for leaf in weights)
    return x @ kernel + bias


def convolve(x: Array, weights: Weights, padding: Padding = (0, 0)) -> Array:
    """3×3 convolution with a bias. In x's type."""
    kernel, bias = (leaf.astype(x.dtype) for leaf in weights)
    return convolve_3x3(x, kernel, padding) + bias
