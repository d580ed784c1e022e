"""The interface of bijections and of their conditioners."""

from collections.abc import Callable
from typing import Any, Protocol

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

Parameters = Any
"""A pytree of arrays, batch axis first.

Its length b divides the number B of images: each entry serves B/b images in a row. A bijection
without a condition has one entry for all images; with one, each condition's entry serves all images
that are drawn under it.
"""


def grouped(x: Array, parameter: Array) -> Array:
    """(B, H, W, C) → (b, B/b·H, W, C): joins the images that each of b parameters serves."""
    return x.reshape(len(parameter), -1, *x.shape[2:])


def per_image(values: Array, x: Array) -> Array:
    """(b,) values, one per parameter → (B,), one per image."""
    return jnp.repeat(values, len(x) // len(values))


class Conditioner(Protocol):
    """A builder of the network that computes a bijection's parameters from a condition.

    Conditioners are hashable, and equal if they build the same, because bijections are compared.
    """

    def build(self, features: int, start: Callable[..., Array]) -> nn.Module:
        """A network from a condition, (B, H, W, C), to parameters.

        Args:
            features: Length of the last axis of the parameters.
            start: Initialiser of the last bias, for networks whose output starts as a constant.
        """


class Bijection(nn.Module):
    """An invertible map y = f(x; θ) whose θ may be computed from a condition.

    The work has two parts, so that θ is computed once for any number of images under a condition:

        θ = parameters(condition)
        y, log|det ∂y/∂x| = transform(x, θ)        x = invert(y, θ)

    `forward` and `inverse` do both parts in one call. Images are (B, H, W, C); log-determinants
    are per example, (B,).
    """

    def parameters(self, condition: Array | None = None, x: Array | None = None) -> Parameters:
        """Everything that the map takes from its condition.

        Args:
            condition: (B, H, W, C_condition), or None for a bijection that has no condition.
            x: The input, which only data-dependent initialisation reads.
        """
        raise NotImplementedError

    def transform(self, x: Array, parameters: Parameters) -> tuple[Array, Array]:
        """x → (y, log_det)."""
        raise NotImplementedError

    def invert(self, y: Array, parameters: Parameters) -> Array:
        """y → x."""
        raise NotImplementedError

    def forward(self, x: Array, condition: Array | None = None) -> tuple[Array, Array]:
        """x → (y, log_det) under a condition. Initialise a bijection with this method."""
        return self.transform(x, self.parameters(condition, x))

    def inverse(self, y: Array, condition: Array | None = None) -> Array:
        """y → x under a condition."""
        return self.invert(y, self.parameters(condition))
