"""Residual block whose norms are modulated (INADE, Tan et al. 2021, figure 3; after SPADE's)."""

import flax.linen as nn
from jax import Array

from fullglow_jax.layers.modulation import Modulation
from fullglow_jax.layers.norms import OF_IMAGE
from fullglow_jax.layers.precision import Compute
from fullglow_jax.layers.square_convolution import SquareConvolution
from fullglow_jax.layers.starts import STARTS

SLOPE = 0.2
"""Slope of leaky ReLUs below 0."""


class ModulatedBlock(nn.Module):
    """Two 3×3 convolutions, each after a modulation and a leaky ReLU, beside a skip.

    The skip is the image as it is, or a modulation and a 1×1 convolution where there are other
    channels. All kernels are divided by their spectral norms.

    Attributes:
        features: Output channels.
        classes: As in `Modulation`.
        gain: As in `Modulation`, of all kernels.
        precision: One of `PRECISIONS`.
    """

    features: int
    classes: int
    gain: float = 0.02
    precision: str = "float32"

    @nn.compact
    def __call__(
        self, x: Array, classes: Array, places: Array, styles: Array, statistics: str = OF_IMAGE
    ) -> Array:
        """(B, H, W, C) → (B, H, W, features); the arguments are those of `Modulation`."""

        def modulation(name: str, x: Array) -> Array:
            layer = Modulation(self.classes, self.gain, self.precision, name=name)
            return layer(x, classes, places, styles, statistics)

        channels = x.shape[-1]
        fewer = min(channels, self.features)
        y = nn.leaky_relu(modulation("norm_0", x), SLOPE)
        y = self._convolution("conv_0", fewer)(y)
        y = nn.leaky_relu(modulation("norm_1", y), SLOPE)
        y = self._convolution("conv_1", self.features)(y)
        if channels == self.features:
            return x + y
        return self._convolution("conv_s", self.features, size=1)(modulation("norm_s", x)) + y

    def _convolution(self, name: str, features: int, size: int = 3) -> SquareConvolution:
        return SquareConvolution(
            features,
            size=size,
            start=STARTS["xavier"](self.gain),
            padding=size // 2,
            bias=size > 1,
            spectral=True,
            precision=Compute(self.precision).products,
            name=name,
        )
