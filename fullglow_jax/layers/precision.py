"""Precision and memory of networks."""

from dataclasses import dataclass

import jax.numpy as jnp
from jax import Array, lax

PRECISIONS = ("float32", "bfloat16", "highest")
"""Types, and precisions of products, of a network's hidden layers."""


@dataclass(frozen=True)
class Compute:
    """Choices that change a network's speed and memory, but not its function.

    Attributes:
        precision: One of `PRECISIONS`, for the hidden layers. Weights and outputs
            keep the type of the input. "float32" products are the device's default: NVIDIA's GPUs
            keep ten bits of each factor's mantissa (TF32), TPUs seven; "highest" keeps all 23.
        tile: The wide hidden layers of this many pixels, over the batch, are in memory at a time;
            None for all.
        store: Whether the forward pass of a gradient stores the costly hidden layers as a whole.
    """

    precision: str = "float32"
    tile: int | None = None
    store: bool = False

    @property
    def products(self) -> lax.Precision | None:
        """The precision of products; None for the device's default."""
        return lax.Precision.HIGHEST if self.precision == "highest" else None

    def cast(self, x: Array) -> Array:
        """A network's input in the type of its hidden layers."""
        return x.astype("bfloat16") if self.precision == "bfloat16" else x


def at_least_float32(x: Array) -> Array:
    """The array, or a copy of 32 bits of a shorter one."""
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))
