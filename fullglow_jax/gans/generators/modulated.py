"""The generator of INADE (Tan et al. 2021, section 3.4; the form is SPADE's)."""

from typing import Final, NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from fullglow_jax.gans.generators.modulated_block import SLOPE, ModulatedBlock
from fullglow_jax.gans.noise import StyleNoise
from fullglow_jax.layers.layer import Layer, dense
from fullglow_jax.layers.norms import OF_IMAGE
from fullglow_jax.layers.precision import Compute, at_least_float32
from fullglow_jax.layers.resizing import nearest, repeated
from fullglow_jax.layers.square_convolution import SquareConvolution
from fullglow_jax.layers.starts import STARTS

DEPTHS: Final = {"normal": 5, "more": 6, "most": 7}
"""How often an image is doubled: its height and width are multiples of two to the power of that."""

MOST_WIDTHS = 16
"""Channels of the first blocks, in widths."""


class Block(NamedTuple):
    """A block of a generator.

    Attributes:
        name: Its name.
        features: Its output channels.
        doubles: Whether its input is doubled before.
    """

    name: str
    features: int
    doubles: bool = True


class ModulatedGenerator(nn.Module):
    """Modulated residual blocks, between which an image of a few pixels is doubled.

    The first image is a dense layer of noise. Its blocks have 16 widths, and the later ones half as
    many each, down to one width, or to half of one at the depth "most".

    Attributes:
        classes: Classes, the unknown one included.
        image_size: (H, W), multiples of 2^`DEPTHS[depth]`.
        width: Channels of the last block but for "most".
        depth: One of `DEPTHS`.
        features: Channels of the drawn image.
        gain: As in `Modulation`, of all kernels.
        precision: One of `PRECISIONS`.
    """

    classes: int
    image_size: tuple[int, int]
    width: int = 64
    depth: str = "normal"
    features: int = 3
    gain: float = 0.02
    precision: str = "float32"

    @property
    def blocks(self) -> tuple[Block, ...]:
        """All blocks, in their order."""
        most, deep = MOST_WIDTHS * self.width, self.depth != "normal"
        first = Block("head_0", most, doubles=False), Block("middle_0", most)
        halves = [most // 2**n for n in range(1, 5 + (self.depth == "most"))]
        ups = [Block(f"up_{n}", features) for n, features in enumerate(halves)]
        return (*first, Block("middle_1", most, doubles=deep), *ups)

    @nn.compact
    def __call__(
        self, classes: Array, places: Array, noise: StyleNoise, statistics: str = OF_IMAGE
    ) -> Array:
        """The image, float32 (B, H, W, features) in [−1, 1].

        Args:
            classes: (B, H, W), int32.
            places: (B, H, W), int32, the place of each pixel's instance among those of the noise.
            noise: The style of the image, and of each instance.
            statistics: Those of batch norms.
        """
        compute = Compute(self.precision)
        x = compute.cast(self._first(noise.image))
        for block in self.blocks:
            if block.doubles:
                x = repeated(x)
            size = x.shape[1], x.shape[2]
            layer = ModulatedBlock(
                block.features, self.classes, self.gain, self.precision, name=block.name
            )
            x = layer(x, nearest(classes, size), nearest(places, size), noise.instances, statistics)
        image = SquareConvolution(
            self.features, 3, STARTS["xavier"](self.gain), precision=compute.products, name="image"
        )
        return jnp.tanh(at_least_float32(image(nn.leaky_relu(x, SLOPE))))

    def _first(self, noise: Array) -> Array:
        """(B, z) → the image before the first block, (B, h, w, C)."""
        factor = 2 ** sum(block.doubles for block in self.blocks)
        height, width = (length // factor for length in self.image_size)
        channels = MOST_WIDTHS * self.width
        shape = noise.shape[-1], channels * height * width
        start, zeros = STARTS["xavier"](self.gain), nn.initializers.zeros
        weights = Layer(shape, start, zeros, name="first")()
        x = dense(noise, weights, Compute(self.precision).products)
        # Channels are outermost, as the originals have them.
        return x.reshape(-1, channels, height, width).transpose(0, 2, 3, 1)
