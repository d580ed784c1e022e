"""Normalisation of channels by statistics of a batch, of each image, or of all batches so far."""

import flax.linen as nn
import jax.numpy as jnp
from jax import Array, lax

from fullglow_jax.layers.precision import at_least_float32

EPSILON = 1e-5
"""Added to variances."""

KEPT = 0.9
"""Share of a running statistic that a batch leaves of it."""

NORMS = ("batch", "instance", "none")

STATISTICS = "statistics"
"""The collection of running statistics."""

OF_BATCH, OF_IMAGE, RUNNING = "batch", "image", "running"
"""Statistics that a batch norm takes: in training those of the whole batch, wherever its examples
are; those of each image, so that no image depends on another; or the running ones."""


class Norm(nn.Module):
    """(x − mean) / √(variance + 10⁻⁵) of each channel.

    "batch" (Ioffe, Szegedy 2015) has a scale and a shift besides, and running statistics, which
    follow the batch's whenever their collection may change: r ← 0.9·r + 0.1·new, with Bessel's
    correction of the variance. "instance" (Ulyanov et al. 2016) has neither: its statistics are
    always those of each image. "none" changes nothing.

    Attributes:
        kind: One of `NORMS`.
        deviation: Of the normal distribution around 1 from which scales start.
        affine: Whether "batch" has its scale and shift.
    """

    kind: str
    deviation: float = 0.0
    affine: bool = True

    @nn.compact
    def __call__(self, x: Array, statistics: str = OF_IMAGE) -> Array:
        """(B, H, W, C) → (B, H, W, C) in x's type.

        Args:
            x: The images; statistics are computed in float32.
            statistics: `OF_BATCH`, `OF_IMAGE` or `RUNNING`, for "batch".
        """
        if self.kind == "none":
            return x
        images = at_least_float32(x)
        if self.kind == "instance":
            return _normalised(images, *_moments(images, (1, 2))).astype(x.dtype)
        shape = x.shape[-1:]
        running = {
            "mean": self.variable(STATISTICS, "mean", jnp.zeros, shape),
            "variance": self.variable(STATISTICS, "variance", jnp.ones, shape),
        }
        if statistics == RUNNING:
            mean, variance = running["mean"].value, running["variance"].value
        else:
            mean, variance = _moments(images, (0, 1, 2) if statistics == OF_BATCH else (1, 2))
        if statistics == OF_BATCH and self.is_mutable_collection(STATISTICS):
            count = images.size // images.shape[-1]
            new = {"mean": mean, "variance": variance * (count / max(count - 1, 1))}
            for name, variable in running.items():
                value = lax.stop_gradient(new[name].reshape(shape))
                variable.value = KEPT * variable.value + (1 - KEPT) * value
        normalised = _normalised(images, mean, variance)
        if not self.affine:
            return normalised.astype(x.dtype)
        around_1 = nn.initializers.normal(self.deviation)
        scale = self.param("scale", lambda key: 1 + around_1(key, shape))
        shift = self.param("shift", nn.initializers.zeros, shape)
        return (normalised * scale + shift).astype(x.dtype)


def _moments(x: Array, axes: tuple[int, ...]) -> tuple[Array, Array]:
    mean = x.mean(axes, keepdims=True)
    return mean, jnp.square(x - mean).mean(axes, keepdims=True)


def _normalised(x: Array, mean: Array, variance: Array) -> Array:
    return (x - mean) * lax.rsqrt(variance + EPSILON)
