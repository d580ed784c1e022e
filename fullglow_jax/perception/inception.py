"""The Inception network of FID: TensorFlow's of 2015-12-05, of 1008 classes.

Inception v3 (Szegedy et al. 2016) in torchvision's layout and names, with three differences: batch
norm adds 10⁻³ to variances, the blocks' 3×3 averages do not count padding, and the last block takes
a 3×3 maximum in the average's place.
"""

from collections.abc import Iterator
from typing import NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jax import Array, lax

from fullglow_jax.perception.network import Pretrained, Shapes, Weights

SIZE = 299
"""Height and width of the images that it reads."""

FEATURES = (64, 192, 768, 2048)
"""The channels of the places whose features FID is taken of: after the first and the second
maximum, before the last reduction, and after the last block."""

CLASSES = 1008

EPSILON = 1e-3


class Conv(NamedTuple):
    """Convolution without bias, batch norm, ReLU.

    Attributes:
        name: Its name within its block.
        width: Channels of its output.
        kernel: (h, w).
        stride: 1, or 2 as in all reductions.
        padded: Whether the size is kept at stride 1.
    """

    name: str
    width: int
    kernel: tuple[int, int] = (1, 1)
    stride: int = 1
    padded: bool = True


class Pool(NamedTuple):
    """A 3×3 window's "average", of the pixels inside alone, or "maximum", at stride 1 or 2."""

    kind: str
    stride: int = 1


Path = tuple[Conv | Pool, ...]
Block = tuple[Path, ...]
"""Paths whose outputs are joined. Two that begin alike are computed once: XLA sees it."""

DOWN = Pool("maximum", 2)


def _reduce(name: str, width: int) -> Conv:
    return Conv(name, width, (3, 3), stride=2, padded=False)


def _block_a(pool_width: int) -> Block:
    doubled = "branch3x3dbl"
    return (
        (Conv("branch1x1", 64),),
        (Conv("branch5x5_1", 48), Conv("branch5x5_2", 64, (5, 5))),
        (
            Conv(f"{doubled}_1", 64),
            Conv(f"{doubled}_2", 96, (3, 3)),
            Conv(f"{doubled}_3", 96, (3, 3)),
        ),
        (Pool("average"), Conv("branch_pool", pool_width)),
    )


def _block_b() -> Block:
    doubled = "branch3x3dbl"
    return (
        (_reduce("branch3x3", 384),),
        (Conv(f"{doubled}_1", 64), Conv(f"{doubled}_2", 96, (3, 3)), _reduce(f"{doubled}_3", 96)),
        (DOWN,),
    )


def _block_c(width: int) -> Block:
    row, column = (1, 7), (7, 1)
    return (
        (Conv("branch1x1", 192),),
        (
            Conv("branch7x7_1", width),
            Conv("branch7x7_2", width, row),
            Conv("branch7x7_3", 192, column),
        ),
        (
            Conv("branch7x7dbl_1", width),
            Conv("branch7x7dbl_2", width, column),
            Conv("branch7x7dbl_3", width, row),
            Conv("branch7x7dbl_4", width, column),
            Conv("branch7x7dbl_5", 192, row),
        ),
        (Pool("average"), Conv("branch_pool", 192)),
    )


def _block_d() -> Block:
    return (
        (Conv("branch3x3_1", 192), _reduce("branch3x3_2", 320)),
        (
            Conv("branch7x7x3_1", 192),
            Conv("branch7x7x3_2", 192, (1, 7)),
            Conv("branch7x7x3_3", 192, (7, 1)),
            _reduce("branch7x7x3_4", 192),
        ),
        (DOWN,),
    )


def _block_e(pool: str) -> Block:
    first = Conv("branch3x3_1", 384)
    doubled = (Conv("branch3x3dbl_1", 448), Conv("branch3x3dbl_2", 384, (3, 3)))
    return (
        (Conv("branch1x1", 320),),
        (first, Conv("branch3x3_2a", 384, (1, 3))),
        (first, Conv("branch3x3_2b", 384, (3, 1))),
        (*doubled, Conv("branch3x3dbl_3a", 384, (1, 3))),
        (*doubled, Conv("branch3x3dbl_3b", 384, (3, 1))),
        (Pool(pool), Conv("branch_pool", 192)),
    )


STEM: Block = (
    (
        _reduce("Conv2d_1a_3x3", 32),
        Conv("Conv2d_2a_3x3", 32, (3, 3), padded=False),
        Conv("Conv2d_2b_3x3", 64, (3, 3)),
        DOWN,
    ),
)
MIDDLE: Block = (
    (Conv("Conv2d_3b_1x1", 80), Conv("Conv2d_4a_3x3", 192, (3, 3), padded=False), DOWN),
)

BLOCKS: tuple[tuple[str, Block], ...] = (
    ("", STEM),
    ("", MIDDLE),
    ("Mixed_5b.", _block_a(32)),
    ("Mixed_5c.", _block_a(64)),
    ("Mixed_5d.", _block_a(64)),
    ("Mixed_6a.", _block_b()),
    ("Mixed_6b.", _block_c(128)),
    ("Mixed_6c.", _block_c(160)),
    ("Mixed_6d.", _block_c(160)),
    ("Mixed_6e.", _block_c(192)),
    ("Mixed_7a.", _block_d()),
    ("Mixed_7b.", _block_e("average")),
    ("Mixed_7c.", _block_e("maximum")),
)
"""Each block, and the prefix of its names."""

PLACES = {0: 64, 1: 192, 9: 768, 12: 2048}
"""The features taken after some of the blocks."""


class Seen(NamedTuple):
    """What the network sees in images.

    Attributes:
        features: The mean over places of each of `FEATURES`, (B, C), by C.
        logits: (B, 1008), with the classifier's bias.
        unbiased: (B, 1008), without it, as torch-fidelity's Inception score takes them.
    """

    features: dict[int, Array]
    logits: Array
    unbiased: Array


def look(weights: Weights, images: Array) -> Seen:
    """What the network sees in images, (B, 299, 299, 3) in [-1, 1]; 75 is the least size it takes.

    Products are of full precision on every device.
    """
    x, features = images, {}
    for number, (prefix, block) in enumerate(BLOCKS):
        x = jnp.concatenate([_follow(path, prefix, weights, x) for path in block], axis=-1)
        if number in PLACES:
            features[PLACES[number]] = x.mean((1, 2))
    unbiased = jnp.matmul(x.mean((1, 2)), weights["fc.weight"], precision=lax.Precision.HIGHEST)
    return Seen(features, unbiased + weights["fc.bias"], unbiased)


def _follow(path: Path, prefix: str, weights: Weights, x: Array) -> Array:
    for layer in path:
        if isinstance(layer, Pool):
            x = _pool(x, layer)
        else:
            x = _convolve(x, layer, f"{prefix}{layer.name}", weights)
    return x


def _pool(x: Array, pool: Pool) -> Array:
    window, strides = (3, 3), (pool.stride, pool.stride)
    padding = "SAME" if pool.stride == 1 else "VALID"
    if pool.kind == "maximum":
        return nn.max_pool(x, window, strides, padding)
    return nn.avg_pool(x, window, strides, padding, count_include_pad=False)


def _convolve(x: Array, layer: Conv, name: str, weights: Weights) -> Array:
    x = lax.conv_general_dilated(
        x,
        weights[f"{name}.conv.weight"],
        window_strides=(layer.stride, layer.stride),
        padding="SAME" if layer.padded else "VALID",
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        precision=lax.Precision.HIGHEST,
    )
    mean, variance, scale, shift = (
        weights[f"{name}.bn.{of}"] for of in ("running_mean", "running_var", "weight", "bias")
    )
    return nn.relu((x - mean) * (scale * lax.rsqrt(variance + EPSILON)) + shift)


def _convolutions() -> Iterator[tuple[str, tuple[int, int, int, int]]]:
    """The name and kernel shape of each convolution."""
    channels = 3
    for prefix, block in BLOCKS:
        joined = 0
        for path in block:
            width = channels
            for layer in path:
                if isinstance(layer, Conv):
                    yield f"{prefix}{layer.name}", (*layer.kernel, width, layer.width)
                    width = layer.width
            joined += width
        channels = joined


def _shapes() -> Shapes:
    found: Shapes = {"fc.weight": (FEATURES[-1], CLASSES), "fc.bias": (CLASSES,)}
    for name, shape in _convolutions():
        found[f"{name}.conv.weight"] = shape
        of_norm = ("weight", "bias", "running_mean", "running_var")
        found |= {f"{name}.bn.{each}": shape[-1:] for each in of_norm}
    return found


PRETRAINED_INCEPTION = Pretrained(
    "FID's Inception",
    _shapes(),
    "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
    "pt_inception-2015-12-05-6726825d.pth",
)
