"""The discriminator of pixels (pix2pix, section 4.4: the 1×1 «PixelGAN»)."""

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from fullglow_jax.gans.discriminators.verdict import SLOPE, Verdict
from fullglow_jax.layers.norms import OF_IMAGE, Norm
from fullglow_jax.layers.precision import Compute, at_least_float32
from fullglow_jax.layers.square_convolution import SquareConvolution
from fullglow_jax.layers.starts import STARTS


class PixelDiscriminator(nn.Module):
    """Tells of each pixel of condition and image whether it is true: three 1×1 convolutions.

    Attributes:
        width: Channels of the first layer; the second has twice as many, and a norm.
        norm: One of `norms.NORMS`.
        start: One of `STARTS`.
        gain: Its gain, and the deviation of norms' scales.
        precision: One of `PRECISIONS`.
    """

    width: int = 64
    norm: str = "batch"
    start: str = "normal"
    gain: float = 0.02
    precision: str = "float32"

    @nn.compact
    def __call__(self, condition: Array, image: Array, statistics: str = OF_IMAGE) -> Verdict:
        """The verdict on an image under a condition, (B, H, W, C) each, in [−1, 1]."""
        biased = self.norm == "instance"
        x = Compute(self.precision).cast(jnp.concatenate([condition, image], axis=-1))
        first = nn.leaky_relu(self._convolution("conv_0", self.width, True)(x), SLOPE)
        x = self._convolution("conv_1", 2 * self.width, biased)(first)
        x = Norm(self.norm, self.gain, name="norm_1")(x, statistics)
        second = nn.leaky_relu(x, SLOPE)
        logits = self._convolution("logits", 1, biased)(second)
        return Verdict(at_least_float32(logits), (first, second))

    def normed_sizes(self, height: int, width: int) -> list[tuple[int, int]]:
        """(h, w) of what the norm reads, and of the logits."""
        return [(height, width)] * 2

    def _convolution(self, name: str, features: int, bias: bool) -> SquareConvolution:
        return SquareConvolution(
            features,
            size=1,
            start=STARTS[self.start](self.gain),
            padding=0,
            bias=bias,
            precision=Compute(self.precision).products,
            name=name,
        )
