"""VGG (Simonyan and Zisserman 2015), configurations D (VGG-16) and E (VGG-19).

    stages of 3×3 convolutions with ReLU, of 64, 128, 256, 512 and 512 channels; 2×2 max between

The convolutions have torchvision's names, `features.N`; N counts ReLUs and pools, too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import flax.linen as nn
from jax import Array, lax

from fullglow_jax.layers.convolution import convolve_square
from fullglow_jax.perception.network import Pretrained, Shapes, Weights

WIDTHS = (64, 128, 256, 512, 512)
"""Channels of each stage."""


class _Layer(NamedTuple):
    """A convolution: its name, its ReLU's, its shape, and whether the maximum comes before it."""

    name: str
    relu: str
    shape: tuple[int, int, int, int]
    pooled: bool


@dataclass(frozen=True)
class Vgg:
    """A VGG without its classifier.

    Attributes:
        convolutions: Number of convolutions of each stage.
    """

    convolutions: tuple[int, ...]

    def activations(
        self,
        weights: Weights,
        images: Array,
        layers: Sequence[str],
        precision: lax.Precision | None = None,
    ) -> tuple[Array, ...]:
        """What some layers see; later layers are not computed.

        Args:
            weights: Its weights.
            images: (B, H, W, 3), H and W from 16 on. They are taken as they are: who wants
                ImageNet's mean and deviation taken off does so before. The perceptual loss of the
                GANs gives images in [-1, 1].
            layers: Names of layers, "relu1_1" to "relu5_4" (VGG-16: "relu5_3"), in any order.
            precision: Precision of the products; None for the device's default.

        Returns:
            The activations in the order of `layers`: (B, ⌊H/2ˢ⌋, ⌊W/2ˢ⌋, C) in stage s = 0 … 4.

        Raises:
            KeyError: If there is no such layer.
        """
        found: dict[str, Array] = {}
        x = images
        for name, relu, _, pooled in self._layers():
            if found.keys() >= set(layers):
                break
            x = nn.max_pool(x, (2, 2), strides=(2, 2)) if pooled else x
            kernel, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
            x = found[relu] = nn.relu(convolve_square(x, kernel, (1, 1), precision) + bias)
        return tuple(found[layer] for layer in layers)

    @property
    def shapes(self) -> Shapes:
        """The shapes of its weights."""
        found: Shapes = {}
        for name, _, shape, _ in self._layers():
            found |= {f"{name}.weight": shape, f"{name}.bias": shape[-1:]}
        return found

    def _layers(self) -> Iterator[_Layer]:
        place, channels = 0, 3
        for stage, (count, width) in enumerate(zip(self.convolutions, WIDTHS, strict=True), 1):
            for number in range(1, count + 1):
                pooled = stage > 1 and number == 1
                place += pooled
                shape = (3, 3, channels, width)
                yield _Layer(f"features.{place}", f"relu{stage}_{number}", shape, pooled)
                place, channels = place + 2, width


VGG16, VGG19 = Vgg((2, 2, 3, 3, 3)), Vgg((2, 2, 4, 4, 4))

PRETRAINED_VGG16 = Pretrained(
    "VGG-16", VGG16.shapes, "https://download.pytorch.org/models/vgg16-397923af.pth"
)
PRETRAINED_VGG19 = Pretrained(
    "VGG-19", VGG19.shapes, "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth"
)
