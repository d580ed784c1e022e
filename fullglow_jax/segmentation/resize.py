"""Bilinear resizing, of which corners stay corners or edges stay edges.

Written as a product with a matrix for each axis: its gradient is one too, where that of reading
pixels by number would be a sum in no fixed order on GPUs.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array, lax


def corner_matrix(source: int, target: int) -> np.ndarray:
    """Linear interpolation in which the first and last pixel's centres stay where they are.

    PyTorch's `align_corners=True`: pixel i of the target lies at i·(source − 1)/(target − 1), the
    only pixel of a target of 1 at 0.

    Returns:
        (target, source) float32, each row's weights.
    """
    return _matrix(np.linspace(0, source - 1, target), source)


def edge_matrix(source: int, target: int) -> np.ndarray:
    """Linear interpolation in which the image's outer edges stay where they are.

    OpenCV's `INTER_LINEAR`: pixel i of the target lies at (i + ½)·source/target − ½, within the
    source. When it shrinks, pixels between those that are read are not averaged in.

    Returns:
        (target, source) float32, each row's weights.
    """
    positions = (np.arange(target) + 0.5) * (source / target) - 0.5
    return _matrix(np.clip(positions, 0, source - 1), source)


def _matrix(positions: np.ndarray, source: int) -> np.ndarray:
    low = np.floor(positions).astype(int)
    high = np.minimum(low + 1, source - 1)
    fraction, rows = positions - low, np.arange(len(positions))
    matrix = np.zeros((len(positions), source))
    np.add.at(matrix, (rows, low), 1 - fraction)
    np.add.at(matrix, (rows, high), fraction)
    return matrix.astype(np.float32)


def apply_along_both(x: Array, of_rows: np.ndarray, of_columns: np.ndarray) -> Array:
    """Each column of pixels times one matrix, each row of them times another.

    Args:
        x: (B, H, W, C).
        of_rows: (h, H).
        of_columns: (w, W).

    Returns:
        (B, h, w, C).
    """
    # Weights rounded to what GPUs multiply fastest would put pixels elsewhere.
    exact = lax.Precision.HIGHEST
    x = jnp.einsum("hH,bHWc->bhWc", of_rows, x, precision=exact)
    return jnp.einsum("wW,bhWc->bhwc", of_columns, x, precision=exact)


def resize_corners(x: Array, size: tuple[int, int]) -> Array:
    """Bilinear resizing to (h, w) that keeps the corner pixels' centres in place.

    Args:
        x: (B, H, W, C).
        size: h and w, 1 or more.

    Returns:
        (B, h, w, C).
    """
    height, width = x.shape[1:3]
    if (height, width) == tuple(size):
        return x
    return apply_along_both(x, corner_matrix(height, size[0]), corner_matrix(width, size[1]))
