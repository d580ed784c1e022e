"""What every bijection offers."""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

Parameters = Any
"""A pytree of arrays, batch axis first.

Its length divides the images': each entry serves as many images in a row. So one entry serves all
images of a bijection without a condition, and a condition's all the photos drawn under it.
"""


def grouped(x: Array, parameter: Array) -> Array:
    """(B, H, W, C) → (b, B/b·H, W, C): the images that each of b parameters serves, as one."""
    return x.reshape(len(parameter), -1, *x.shape[2:])


def per_image(values: Array, x: Array) -> Array:
    """(b,) values of parameters → (B,), one an image."""
    return jnp.repeat(values, len(x) // len(values))


def required(condition: Array | None) -> Array:
    """The condition of a conditional bijection.

    Raises:
        ValueError: Where there is none.
    """
    if condition is None:
        raise ValueError("this bijection was built with conditional=True: pass it a condition")
    return condition


class Bijection(nn.Module):
    """An invertible map y = f(x; θ) whose θ may be computed from a condition.

    The work is split in two, so that whatever depends on the condition alone is computed once,
    however many images are then mapped under it:

        θ = parameters(condition)
        y, log|det ∂y/∂x| = transform(x, θ)        x = invert(y, θ)

    `forward` and `inverse` do both parts in one call. Images are (B, H, W, C); log-determinants
    are per example, (B,).
    """

    def parameters(self, condition: Array | None = None, x: Array | None = None) -> Parameters:
        """Everything that the map takes from its condition.

        Args:
            condition: (B, H, W, C_condition), or None for a bijection that has no condition.
            x: The input, seen by data-dependent initialisers only.
        """
        raise NotImplementedError

    def transform(self, x: Array, parameters: Parameters) -> tuple[Array, Array]:
        """x → (y, log_det)."""
        raise NotImplementedError

    def invert(self, y: Array, parameters: Parameters) -> Array:
        """y → x."""
        raise NotImplementedError

    def forward(self, x: Array, condition: Array | None = None) -> tuple[Array, Array]:
        """x → (y, log_det) under a condition; the method to initialise a bijection with."""
        return self.transform(x, self.parameters(condition, x))

    def inverse(self, y: Array, condition: Array | None = None) -> Array:
        """y → x under a condition."""
        return self.invert(y, self.parameters(condition))
