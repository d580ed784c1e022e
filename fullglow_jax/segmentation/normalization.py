"""Normalisation of channels, the two kinds of which depend on no other example."""

import flax.linen as nn
import jax.numpy as jnp
from jax import Array, lax

EPSILON = 1e-5
"""What PyTorch adds to variances."""

MOST_GROUPS = 32

SMALLEST_GROUP = 4
"""Channels. The pyramid's first grid has one cell: a group of one would always be normalised to 0
there, and one of two to ±1."""


class Normalization(nn.Module):
    """(x − mean) / √(variance + 10⁻⁵) · scale + shift, a scale and a shift for each channel.

    "batch" takes mean and variance from the collection "constants", and never changes them: this
    is batch normalisation (Ioffe and Szegedy 2015) as it is at test time, in training too.

    "group" takes them from groups of each example's own channels (Wu and He 2018), 32 or fewer, so
    that an example's result is the same whatever else is in its batch and however that is spread
    over devices.

    Attributes:
        kind: "batch" or "group".
    """

    kind: str

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """Of (B, H, W, C), the same shape."""
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
    of_group = (1, 2, 4)
    centred = grouped - grouped.mean(of_group, keepdims=True)
    variance = jnp.square(centred).mean(of_group, keepdims=True)
    return (centred * lax.rsqrt(variance + EPSILON)).reshape(x.shape)


def groups_of(channels: int) -> int:
    """The most groups, up to 32, that are equal and of 4 channels or more; 1 if there are none."""
    possible = range(1, min(MOST_GROUPS, channels // SMALLEST_GROUP) + 1)
    return max((groups for groups in possible if channels % groups == 0), default=1)
