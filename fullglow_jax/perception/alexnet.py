"""AlexNet in torchvision's form (Krizhevsky 2014), without its classifier.

    11×11 stride 4 → 64, M, 5×5 → 192, M, 3×3 → 384, 3×3 → 256, 3×3 → 256; ReLU after each

M is a 3×3 max of stride 2 without padding.
"""

from typing import NamedTuple

import flax.linen as nn
from jax import Array, lax

from fullglow_jax.perception.network import Pretrained, Shapes, Weights


class _Convolution(NamedTuple):
    """A convolution: its name in the file, its shape, and whether the maximum comes before it."""

    name: str
    shape: tuple[int, int, int, int]
    stride: int = 1
    padding: int = 1
    pooled: bool = False


CONVOLUTIONS = (
    _Convolution("features.0", (11, 11, 3, 64), stride=4, padding=2),
    _Convolution("features.3", (5, 5, 64, 192), padding=2, pooled=True),
    _Convolution("features.6", (3, 3, 192, 384), pooled=True),
    _Convolution("features.8", (3, 3, 384, 256)),
    _Convolution("features.10", (3, 3, 256, 256)),
)


def activations(
    weights: Weights, images: Array, precision: lax.Precision | None = None
) -> tuple[Array, ...]:
    """What each of the five layers sees, after its ReLU.

    Args:
        weights: Its weights.
        images: (B, H, W, 3), H and W from 31 on; LPIPS takes its mean and deviation off before.
        precision: Precision of the products; None for the device's default.

    Returns:
        Five activations, (B, h, w, C) of C = 64, 192, 384, 256 and 256.
    """
    found, x = [], images
    for each in CONVOLUTIONS:
        x = nn.max_pool(x, (3, 3), strides=(2, 2)) if each.pooled else x
        x = lax.conv_general_dilated(
            x,
            weights[f"{each.name}.weight"],
            window_strides=(each.stride, each.stride),
            padding=[(each.padding, each.padding)] * 2,
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
            precision=precision,
        )
        x = nn.relu(x + weights[f"{each.name}.bias"])
        found.append(x)
    return tuple(found)


def _shapes() -> Shapes:
    found: Shapes = {}
    for each in CONVOLUTIONS:
        found |= {f"{each.name}.weight": each.shape, f"{each.name}.bias": each.shape[-1:]}
    return found


PRETRAINED_ALEXNET = Pretrained(
    "AlexNet", _shapes(), "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth"
)
