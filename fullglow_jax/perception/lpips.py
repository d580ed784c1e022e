"""Learned perceptual distance of two images, LPIPS v0.1 (Zhang et al. 2018)."""

from collections.abc import Callable
from dataclasses import dataclass

import jax.numpy as jnp
from jax import Array, lax

from fullglow_jax.perception import alexnet
from fullglow_jax.perception.network import Pretrained, Shapes, Weights
from fullglow_jax.perception.vgg import VGG16

MEAN, DEVIATION = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
"""Of ImageNet's photos in [-1, 1], by channel."""

VGG_LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3")

TINY = 1e-10
"""Added to the lengths of vectors."""


@dataclass(frozen=True)
class Lpips:
    """The distance in one network's activations.

        d(x, y) = Σ over layers of the mean over places of Σ over channels of w·(f̂(x) − f̂(y))²

    f̂ = f/(‖f‖ + 10⁻¹⁰) are activations of unit length at each place, and w ≥ 0 the heads, one
    weight a channel.

    Attributes:
        activations: (weights, normalised images) → the layers' activations.
        pretrained: Of the network and its heads.
        least: The smallest height and width of images that all layers see something of.
    """

    activations: Callable[[Weights, Array], tuple[Array, ...]]
    pretrained: Pretrained
    least: int

    def __call__(self, weights: Weights, x: Array, y: Array) -> Array:
        """The distance of each pair, (B,), of images (B, H, W, 3) in [-1, 1]."""
        return self.by_layer(weights, x, y).sum(0)

    def by_layer(self, weights: Weights, x: Array, y: Array) -> Array:
        """The layers' parts of the distance, (5, B)."""
        pairs = zip(self._directions(weights, x), self._directions(weights, y), strict=True)
        return jnp.stack(
            [
                (jnp.square(a - b) * weights[head_name(layer)].reshape(-1)).sum(-1).mean((1, 2))
                for layer, (a, b) in enumerate(pairs)
            ]
        )

    def _directions(self, weights: Weights, images: Array) -> list[Array]:
        normalised = (images - jnp.array(MEAN)) / jnp.array(DEVIATION)
        return [
            f / (jnp.sqrt(jnp.square(f).sum(-1, keepdims=True)) + TINY)
            for f in self.activations(weights, normalised)
        ]


def head_name(layer: int) -> str:
    """The name of a layer's head."""
    return f"lin{layer}.model.1.weight"


def _alex(weights: Weights, images: Array) -> tuple[Array, ...]:
    return alexnet.activations(weights, images, lax.Precision.HIGHEST)


def _vgg(weights: Weights, images: Array) -> tuple[Array, ...]:
    return VGG16.activations(weights, images, VGG_LAYERS, lax.Precision.HIGHEST)


def _pretrained(name: str, short: str, shapes: Shapes, widths: tuple[int, ...]) -> Pretrained:
    heads = {head_name(layer): (1, 1, width, 1) for layer, width in enumerate(widths)}
    source = (
        "pip install 'fullglow-jax[lpips]', or, of the package lpips, "
        f"torch.save(lpips.LPIPS(net={short!r}).state_dict(), 'lpips_{short}.pth')"
    )
    renamed = ((r"net\.slice\d\.(\d+)\.", r"features.\1."),)
    return Pretrained(f"LPIPS with {name}", shapes | heads, source, renamed)


ALEX = Lpips(
    _alex,
    _pretrained("AlexNet", "alex", alexnet.PRETRAINED_ALEXNET.shapes, (64, 192, 384, 256, 256)),
    least=31,
)
VGG = Lpips(_vgg, _pretrained("VGG-16", "vgg", VGG16.shapes, (64, 128, 256, 512, 512)), least=16)
