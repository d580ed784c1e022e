"""The pyramid of grids by which a PSPNet sees the whole image (PSPNet, section 3.2)."""

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jax import Array

from fullglow_jax.layers.layer import torch_uniform
from fullglow_jax.segmentation.conv_norm import ConvNorm
from fullglow_jax.segmentation.resize import apply_along_both, resize_corners


def cell_matrix(source: int, cells: int) -> np.ndarray:
    """The matrix of means over a row of cells that cover `source` pixels.

    Cell i covers pixels from ⌊i·source/cells⌋ up to, but without, ⌈(i + 1)·source/cells⌉, so
    neighbours may share a pixel, and there may be more cells than pixels, as in PyTorch's adaptive
    average pooling.

    Returns:
        (cells, source) float32.
    """
    numbers, pixels = np.arange(cells)[:, None], np.arange(source)
    begin, end = numbers * source // cells, -(-(numbers + 1) * source // cells)
    inside = (begin <= pixels) & (pixels < end)
    return (inside / inside.sum(1, keepdims=True)).astype(np.float32)


class Pyramid(nn.Module):
    """Joins the features with means over grids of cells, which are resized to the features' size.

    A 1×1 convolution, normalisation and ReLU turn the C channels of each grid's means into
    C / (number of grids).

    Attributes:
        bins: Cells along each side of each grid.
        norm: Kind of the normalisations.
    """

    bins: tuple[int, ...]
    norm: str

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """(B, H, W, 2·C) of (B, H, W, C)."""
        height, width, channels = x.shape[1:]
        levels = [x]
        for number, cells in enumerate(self.bins):
            means = apply_along_both(x, cell_matrix(height, cells), cell_matrix(width, cells))
            reduce = ConvNorm(
                channels // len(self.bins),
                self.norm,
                kernel_init=torch_uniform(channels),
                name=f"level_{number}",
            )
            levels.append(resize_corners(nn.relu(reduce(means)), (height, width)))
        return jnp.concatenate(levels, axis=-1)
