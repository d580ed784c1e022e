"""Bilinear resizing with fixed corners.

It is a product with a matrix for each axis, and so is its gradient. The gradient of indexing would
be a sum in no fixed order on GPUs.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array, lax


def corner_matrix(source: int, target: int) -> np.ndarray:
    """Linear interpolation in which the centres of the first and last pixel stay in place.

    It is PyTorch's `align_corners=True`: pixel i of the target is at i·(source − 1)/(target − 1);
    the only pixel of a target of 1 is at 0.

    Returns:
        (target, source) float32, each row's weights.
    """
    positions = np.linspace(0, source - 1, target)
    low = np.floor(positions).astype(int)
    high = np.minimum(low + 1, source - 1)
    fraction, rows = positions - low, np.arange(target)
    matrix = np.zeros((target, source))
    np.add.at(matrix, (rows, low), 1 - fraction)
    np.add.at(matrix, (rows, high), fraction)
    return matrix.astype(np.float32)


def apply_along_both(x: Array, row_matrix: np.ndarray, column_matrix: np.ndarray) -> Array:
    """Multiplies each column of pixels by one matrix, and each row by another.

    Args:
        x: (B, H, W, C).
        row_matrix: (h, H).
        column_matrix: (w, W).

    Returns:
        (B, h, w, C).
    """
    # With the rounded weights of GPUs' fastest products, pixels would move.
    exact = lax.Precision.HIGHEST
    x = jnp.einsum("hH,bHWc->bhWc", row_matrix, x, precision=exact)
    return jnp.einsum("wW,bhWc->bhwc", column_matrix, x, precision=exact)


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
