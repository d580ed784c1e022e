"""Scales of affine couplings, as functions of what a network puts out."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax import Array

Scale = Callable[[Array], tuple[Array, Array]]
"""r → (s, log s), elementwise. Scales are hashable, because bijections are compared."""


def sigmoid_scale(r: Array) -> tuple[Array, Array]:
    """s = sigmoid(r + 2), which never expands (the code of Glow)."""
    return jax.nn.sigmoid(r + 2.0), jax.nn.log_sigmoid(r + 2.0)


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "glow": lambda r: jax.nn.sigmoid(r + 2.0),
    "sigmoid": lambda r: 2.0 * (jax.nn.sigmoid(r) - 0.5),
    "tanh": jnp.tanh,
    "atan": lambda r: 0.636 * jnp.arctan(r),
}
"""What bounds log s, by name; of "glow" it is in (0, 1), so that s never contracts."""


@dataclass(frozen=True)
class ExponentialScale:
    """log s = κ·f(r) (`dajinstory/glow-pytorch`).

    Attributes:
        activation: f, a name of `ACTIVATIONS`.
        clamp: κ.
    """

    activation: str
    clamp: float

    def __call__(self, r: Array) -> tuple[Array, Array]:
        """(s, log s)."""
        log_scale = self.clamp * ACTIVATIONS[self.activation](r)
        return jnp.exp(log_scale), log_scale
