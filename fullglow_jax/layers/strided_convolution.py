"""Convolutions whose stride is as large as their kernel."""

from jax import Array, lax

from fullglow_jax.layers.layer import Weights, dense


def convolve_blocks(x: Array, weights: Weights, precision: lax.Precision | None = None) -> Array:
    """A k×k convolution with stride k, as one matrix product: no two windows overlap.

    Args:
        x: (B, H, W, C_in); k divides H and W.
        weights: A kernel, (k, k, C_in, C_out), and a bias, (C_out,).
        precision: Precision of the products; None for the device's default.

    Returns:
        (B, H/k, W/k, C_out), in x's type.
    """
    kernel, bias = weights
    size, _, channels, features = kernel.shape
    batch, height, width, _ = x.shape
    blocks = x.reshape(batch, height // size, size, width // size, size, channels)
    pixels = blocks.transpose(0, 1, 3, 2, 4, 5)
    flat = pixels.reshape(*pixels.shape[:3], size * size * channels)
    as_dense = Weights(kernel.reshape(size * size * channels, features), bias)
    return dense(flat, as_dense, precision)


def nested_quads(x: Array, depth: int) -> Array:
    """Blocks of 2^depth × 2^depth pixels, in the order in which 2×2 convolutions join them.

    Each four pixels that the first of `depth` convolutions with stride 2 joins are beside each
    other, and so are what comes of them for the next: see `convolve_quads`. To put every
    convolution's windows together again, as `convolve_blocks` does, takes longer than the products.

    Args:
        x: (B, H, W, C); 2^depth divides H and W.
        depth: Number of convolutions.

    Returns:
        (B, H/2^depth, W/2^depth, 4^depth, C).
    """
    batch, height, width, channels = x.shape
    halves = (2,) * depth
    split = x.reshape(batch, height >> depth, *halves, width >> depth, *halves, channels)
    rows, columns = range(1, depth + 2), range(depth + 2, 2 * depth + 3)
    pairs = (axis for pair in zip(rows, columns, strict=True) for axis in pair)
    nested = split.transpose(0, *pairs, 2 * depth + 3)
    return nested.reshape(*nested.shape[:3], 4**depth, channels)


def convolve_quads(x: Array, weights: Weights, precision: lax.Precision | None = None) -> Array:
    """A 2×2 convolution with stride 2 of pixels in the order of `nested_quads`.

    Args:
        x: (B, h, w, 4n, C_in).
        weights: A kernel, (2, 2, C_in, C_out), and a bias, (C_out,).
        precision: Precision of the products; None for the device's default.

    Returns:
        (B, h, w, n, C_out), in x's type.
    """
    kernel, bias = weights
    joined = 4 * x.shape[-1]
    as_dense = Weights(kernel.reshape(joined, kernel.shape[-1]), bias)
    return dense(x.reshape(*x.shape[:3], -1, joined), as_dense, precision)
