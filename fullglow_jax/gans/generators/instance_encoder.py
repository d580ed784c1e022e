"""The encoder of INADE: the style of each instance in a photo (Tan et al. 2021, section 3.3)."""

from typing import NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from fullglow_jax.layers.instance_convolution import InstanceConvolution
from fullglow_jax.layers.norms import Norm
from fullglow_jax.layers.precision import Compute, at_least_float32
from fullglow_jax.layers.resizing import interpolated, nearest
from fullglow_jax.layers.starts import STARTS
from fullglow_jax.layers.sums_by_id import sums_by_id

SLOPE = 0.2
"""Slope of leaky ReLUs below 0."""

DOWNS = (1, 2, 4, 8)
"""Channels of the layers that halve an image, in widths."""

UPS = (4, 2, 1, 1)
"""Channels of the layers after which it is doubled."""

FACTOR = 2 ** len(DOWNS)
"""Height and width are multiples of it."""


class StyleDistribution(NamedTuple):
    """The normal distribution of the style of each instance, for scale and for shift.

    Attributes:
        mean: (B, N, 2, n); 0 for instances that an image has not.
        log_variance: Likewise.
    """

    mean: Array
    log_variance: Array

    def remapped(self, noise: Array) -> Array:
        """Styles of these distributions, of normal noise (B, N, 2, n)."""
        return noise * jnp.exp(0.5 * self.log_variance) + self.mean

    def divergence(self) -> Array:
        """The Kullback–Leibler divergence from N(0, 1), summed over each example: (B,)."""
        mean, log_variance = self
        each = jnp.square(mean) + jnp.exp(log_variance) - 1 - log_variance
        return 0.5 * each.sum((1, 2, 3))


class InstanceEncoder(nn.Module):
    """Convolutions within instances that halve a photo, and double it again, with skips between.

    Each has an instance norm and a leaky ReLU after it. Four more give the mean and the logarithm
    of the variance of each pixel's style, for scale and for shift; an instance's are the means over
    its pixels.

    Attributes:
        style: Values of a style, n.
        width: Channels of the first layer.
        gain: Of "xavier", from which kernels start.
        precision: One of `PRECISIONS`.
    """

    style: int
    width: int = 64
    gain: float = 0.02
    precision: str = "float32"

    @nn.compact
    def __call__(self, photo: Array, places: Array, count: int) -> StyleDistribution:
        """The styles of the instances of photos.

        Args:
            photo: (B, H, W, 3) in [−1, 1]; height and width are multiples of `FACTOR`.
            places: (B, H, W), int32, the place of each pixel's instance.
            count: Places, N.
        """
        x = Compute(self.precision).cast(photo)
        downs = []
        for n, widths in enumerate(DOWNS):
            x = self._layer(f"down_{n}", widths, x, places, stride=2)
            downs.append(x)
        for n, widths in enumerate(UPS):
            below = downs.pop()
            x = jnp.concatenate([x, below], axis=-1) if n else below
            x = interpolated(self._layer(f"up_{n}", widths, x, places))
        means = {name: self._mean(name, x, places, count) for name in ("mean", "log_variance")}
        return StyleDistribution(**means)

    def _layer(self, name: str, widths: int, x: Array, places: Array, stride: int = 1) -> Array:
        at_x = nearest(places, (x.shape[1], x.shape[2]))
        y = self._convolution(name, widths * self.width, stride)(x, at_x)
        return nn.leaky_relu(Norm("instance")(y), SLOPE)

    def _mean(self, name: str, x: Array, places: Array, count: int) -> Array:
        """(B, N, 2, n), from (B, H, W, C)."""
        parts = [
            self._convolution(f"{of}_{name}", self.style)(x, places) for of in ("scale", "shift")
        ]
        values = at_least_float32(jnp.stack(parts, axis=-2))
        pixels = jnp.ones_like(values[..., :1, :1])
        sums, counts = (sums_by_id(each, places, count) for each in (values, pixels))
        return sums / jnp.maximum(counts, 1)

    def _convolution(self, name: str, features: int, stride: int = 1) -> InstanceConvolution:
        start, products = STARTS["xavier"](self.gain), Compute(self.precision).products
        return InstanceConvolution(features, start, stride, products, name=name)
