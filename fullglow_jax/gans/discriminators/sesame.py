"""The discriminator of SESAME (Ntavelis et al. 2020), as DLIM has it."""

import flax.linen as nn
from jax import Array

from fullglow_jax.gans.discriminators.verdict import SLOPE, Verdict
from fullglow_jax.layers.norms import OF_IMAGE, Norm
from fullglow_jax.layers.precision import Compute, at_least_float32
from fullglow_jax.layers.square_convolution import SquareConvolution
from fullglow_jax.layers.starts import STARTS

STRIDES = (2, 2, 1)
"""Of a branch's convolutions."""


class SesameDiscriminator(nn.Module):
    """Two equal branches, one of the condition and one of the image, and logits of both.

    A branch is of three 4×4 convolutions, to 1, 2 and 4 widths, with norms but after the first, and
    leaky ReLUs. The logits are a 4×4 convolution of f·(1 + Σ_c s_c), where f are the image's
    features, and s the condition's, summed over channels.

    Attributes:
        width: Channels of the first layers.
        norm: One of `norms.NORMS`; "instance" in DLIM.
        start: One of `STARTS`.
        gain: Its gain, and the deviation of norms' scales.
        precision: One of `PRECISIONS`.
    """

    width: int = 64
    norm: str = "instance"
    start: str = "normal"
    gain: float = 0.02
    precision: str = "float32"

    @nn.compact
    def __call__(self, condition: Array, image: Array, statistics: str = OF_IMAGE) -> Verdict:
        """The verdict on an image under a condition, (B, H, W, C) each, in [−1, 1]."""
        cast = Compute(self.precision).cast
        *_, of_condition = self._branch("condition", cast(condition), statistics)
        features = self._branch("image", cast(image), statistics)
        merged = features[-1] * (1 + of_condition.sum(-1, keepdims=True))
        logits = self._convolution("logits", 1, 1, True)(merged)
        return Verdict(at_least_float32(logits), tuple(features))

    def normed_sizes(self, height: int, width: int) -> list[tuple[int, int]]:
        """(h, w) of what each norm reads, and at last of the logits; below 1 if there are none."""
        sizes = [(height, width)]
        for stride in (*STRIDES, 1):
            rows, columns = ((n - 2) // stride + 1 for n in sizes[-1])
            sizes.append((rows, columns))
        return sizes[2:]

    def _branch(self, name: str, x: Array, statistics: str) -> list[Array]:
        """The activations of a branch's layers."""
        features = []
        for n, stride in enumerate(STRIDES):
            x = self._convolution(f"{name}_conv_{n}", 2**n * self.width, stride, not n)(x)
            if n:
                x = Norm(self.norm, self.gain, name=f"{name}_norm_{n}")(x, statistics)
            x = nn.leaky_relu(x, SLOPE)
            features.append(x)
        return features

    def _convolution(self, name: str, features: int, stride: int, bias: bool) -> SquareConvolution:
        return SquareConvolution(
            features,
            size=4,
            start=STARTS[self.start](self.gain),
            stride=stride,
            bias=bias,
            precision=Compute(self.precision).products,
            name=name,
        )
