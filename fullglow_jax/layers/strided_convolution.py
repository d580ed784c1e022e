"""Convolution whose stride is as large as its kernel."""

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
