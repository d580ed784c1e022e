"""The discriminator of patches (pix2pix, section 3.3 and appendix 6.1)."""

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from fullglow_jax.gans.discriminators.verdict import SLOPE, Verdict
from fullglow_jax.layers.norms import OF_IMAGE, Norm
from fullglow_jax.layers.precision import Compute, at_least_float32
from fullglow_jax.layers.square_convolution import SquareConvolution
from fullglow_jax.layers.starts import STARTS

MOST_WIDTHS = 8
"""Channels of the widest layers, in widths of the first."""


class PatchDiscriminator(nn.Module):
    """Tells of each patch of condition and image whether it is true; 3 layers see 70×70 pixels.

    4×4 convolutions: one with stride 2, then `layers` with a norm, of which the last has stride 1
    and the others 2, each with a leaky ReLU after it; and one to the logits.

    Attributes:
        width: Channels of the first layer; layer n has width·min(2ⁿ, 8).
        layers: Layers with a norm.
        padding: Rows and columns of zeros around each convolution's input.
        norm: One of `norms.NORMS`.
        spectral: Whether kernels of layers with a norm are divided by their spectral norms.
        start: One of `STARTS`.
        gain: Its gain, and the deviation of norms' scales.
        precision: One of `PRECISIONS`.
    """

    width: int = 64
    layers: int = 3
    padding: int = 1
    norm: str = "batch"
    spectral: bool = False
    start: str = "normal"
    gain: float = 0.02
    precision: str = "float32"

    @nn.compact
    def __call__(self, condition: Array, image: Array, statistics: str = OF_IMAGE) -> Verdict:
        """The verdict on an image under a condition, (B, H, W, C) each, in [−1, 1]."""
        x = Compute(self.precision).cast(jnp.concatenate([condition, image], axis=-1))
        features = []
        for n, stride in enumerate(self._strides[:-1]):
            channels = min(2**n, MOST_WIDTHS) * self.width
            bias = not n or (self.norm == "instance" and not self.spectral)
            x = self._convolution(f"conv_{n}", channels, stride, bias, self.spectral and n > 0)(x)
            if n:
                x = Norm(self.norm, self.gain, name=f"norm_{n}")(x, statistics)
            x = nn.leaky_relu(x, SLOPE)
            features.append(x)
        logits = self._convolution("logits", 1, self._strides[-1])(x)
        return Verdict(at_least_float32(logits), tuple(features))

    def normed_sizes(self, height: int, width: int) -> list[tuple[int, int]]:
        """(h, w) of what each norm reads, and at last of the logits; below 1 if there are none."""
        sizes = [(height, width)]
        for stride in self._strides:
            rows, columns = ((n + 2 * self.padding - 4) // stride + 1 for n in sizes[-1])
            sizes.append((rows, columns))
        return sizes[2:]

    @property
    def _strides(self) -> tuple[int, ...]:
        """Of all convolutions."""
        return (*(2,) * self.layers, 1, 1)

    def _convolution(
        self, name: str, features: int, stride: int, bias: bool = True, spectral: bool = False
    ) -> SquareConvolution:
        return SquareConvolution(
            features,
            size=4,
            start=STARTS[self.start](self.gain),
            stride=stride,
            padding=self.padding,
            bias=bias,
            spectral=spectral,
            precision=Compute(self.precision).products,
            name=name,
        )
