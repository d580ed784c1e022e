"""The dilated ResNet under a PSPNet.

ResNet (He et al. 2016) with bottleneck blocks, in the form of `hszhao/semseg`: a stem of three 3×3
convolutions instead of one 7×7, and two last layers with dilation instead of stride (PSPNet,
section 3.2), so that features are an eighth of the image's size.
"""

from typing import NamedTuple

import flax.linen as nn
from jax import Array

from fullglow_jax.segmentation.architecture import EXPANSION
from fullglow_jax.segmentation.conv_norm import ConvNorm

STRIDES = (1, 2, 1, 1)
"""Strides of each layer's first block."""

DILATIONS = (1, 1, 2, 4)
"""Dilations of all 3×3 convolutions of each layer."""


class Features(NamedTuple):
    """The heads' inputs: (B, h, w, 16·width) and (B, h, w, 32·width), h = ⌈⌈⌈H/2⌉/2⌉/2⌉."""

    third: Array
    fourth: Array


class Bottleneck(nn.Module):
    """1×1, 3×3 and 1×1 convolution beside a shortcut (ResNet, figure 5 right).

    The shortcut is the input itself if shapes agree, else a 1×1 convolution of it.

    Attributes:
        width: Channels of the first two convolutions; the third has four times as many.
        norm: Kind of the normalisations.
        stride: Stride of the 3×3 convolution, and of the shortcut's.
        dilation: Dilation of the 3×3 convolution.
    """

    width: int
    norm: str
    stride: int = 1
    dilation: int = 1

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """(B, ⌈H / stride⌉, ⌈W / stride⌉, 4·width) of (B, H, W, C)."""
        y = nn.relu(ConvNorm(self.width, self.norm, name="conv_1")(x))
        middle = ConvNorm(self.width, self.norm, 3, self.stride, self.dilation, name="conv_2")
        y = nn.relu(middle(y))
        y = ConvNorm(EXPANSION * self.width, self.norm, name="conv_3")(y)
        if self.stride != 1 or x.shape[-1] != y.shape[-1]:
            x = ConvNorm(y.shape[-1], self.norm, stride=self.stride, name="shortcut")(x)
        return nn.relu(x + y)


class ResNet(nn.Module):
    """Stem, pooling and four layers of bottleneck blocks.

    Attributes:
        blocks: Blocks of each layer.
        width: Channels of the stem's first two convolutions; its third has twice as many.
        norm: Kind of the normalisations.
    """

    blocks: tuple[int, ...]
    width: int
    norm: str

    @nn.compact
    def __call__(self, images: Array) -> Features:
        """The last two layers' features of normalised images, (B, H, W, 3), H and W from 1 on."""
        x = images
        for number, (factor, stride) in enumerate(((1, 2), (1, 1), (2, 1)), 1):
            name = f"stem_{number}"
            x = nn.relu(ConvNorm(factor * self.width, self.norm, 3, stride, name=name)(x))
        x = nn.max_pool(x, (3, 3), strides=(2, 2), padding=((1, 1), (1, 1)))
        layers = []
        for layer, blocks in enumerate(self.blocks):
            for block in range(blocks):
                x = Bottleneck(
                    width=self.width * 2**layer,
                    norm=self.norm,
                    stride=STRIDES[layer] if block == 0 else 1,
                    dilation=DILATIONS[layer],
                    name=f"layer_{layer + 1}_block_{block}",
                )(x)
            layers.append(x)
        return Features(layers[2], layers[3])
