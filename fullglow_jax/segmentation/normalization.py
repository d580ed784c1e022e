"""Normalisation of channels that does not depend on other examples."""

import flax.linen as nn
import jax.numpy as jnp
from jax import Array, lax

EPSILON = 1e-5
"""Added to variances, as in PyTorch."""

MOST_GROUPS = 32

SMALLEST_GROUP = 4
"""Channels. The pyramid's first grid has one cell: there, a group of one channel would always
become 0, and one of two would become ±1."""


class Normalization(nn.Module):
    """(x − mean) / √(variance + 10⁻⁵) · scale + shift, a scale and a shift for each channel.

    "batch" takes mean and variance from the collection "constants", and never changes them: this
    is batch normalisation (Ioffe and Szegedy 2015) of test time, also in training.

    "group" computes them over groups of each example's channels (Wu and He 2018), 32 or fewer, so
    that an example's result depends neither on its batch nor on the split over devices.

    Attributes:
        kind: "batch" or "group".
    """

    kind: str

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """(B, H, W, C) → (B, H, W, C)."""
        shape = x.shape[-1:]
        scale = self.param("scale", nn.initializers.ones, shape)
        shift = self.param("shift", nn.initializers.zeros, shape)
        if self.kind == "group":
            return group_normalise(x) * scale + shift
        mean = self.variable("constants", "mean", jnp.zeros, shape).value
        variance = self.variable("constants", "variance", jnp.ones, shape).value
        return (x - mean) * (scale * lax.rsqrt(variance + EPSILON)) + shift


def group_normalise(x: Array) -> Array:
    """Mean 0 and variance 1 over space and channels of each group, of (B, H, W, C)."""
    grouped = x.reshape(*x.shape[:-1], groups_of(x.shape[-1]), -1)
    group_axes = (1, 2, 4)
    centred = grouped - grouped.mean(group_axes, keepdims=True)
    variance = jnp.square(centred).mean(group_axes, keepdims=True)
    return (centred * lax.rsqrt(variance + EPSILON)).reshape(x.shape)


def groups_of(channels: int) -> int:
    """The largest number of equal groups, up to 32, of at least 4 channels; 1 if there is none."""
    possible = range(1, min(MOST_GROUPS, channels // SMALLEST_GROUP) + 1)
    return max((groups for groups in possible if channels % groups == 0), default=1)
