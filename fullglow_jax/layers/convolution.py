"""Convolution, in the form that each kind of device runs fast."""

from functools import partial

import jax
import jax.numpy as jnp
from jax import Array, lax

Padding = tuple[int, int]
"""Pixels of zeros above and below, and left and right."""


def _pad(x: Array, padding: Padding) -> Array:
    rows, columns = padding
    return jnp.pad(x, ((0, 0), (rows, rows), (columns, columns), (0, 0)))


def convolve_natively(
    x: Array, kernel: Array, padding: Padding, precision: lax.Precision | None = None
) -> Array:
    """A convolution, as XLA's own."""
    rows, columns = padding
    return lax.conv_general_dilated(
        x,
        kernel,
        window_strides=(1, 1),
        padding=((rows, rows), (columns, columns)),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        precision=precision,
    )


def _taps(x: Array, size: int, padding: Padding) -> Array:
    """The inputs of all taps of a square window, side by side in the channels."""
    return _side_by_side(_side_by_side(_pad(x, padding), size, axis=2), size, axis=1)


def _side_by_side(x: Array, size: int, axis: int) -> Array:
    """The inputs of a window's taps along an axis, side by side in the channels."""
    length = x.shape[axis] - size + 1
    taps = [lax.slice_in_dim(x, tap, tap + length, axis=axis) for tap in range(size)]
    return jnp.concatenate(taps, axis=-1)


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def convolve_by_matrix_product(
    x: Array, kernel: Array, padding: Padding, precision: lax.Precision | None = None
) -> Array:
    """A k×k convolution as one matrix product; its two gradients are one each, too.

    The taps are taken where there are fewer channels: from the input before the product, or
    from the output after it. Nine copies of 512 channels would be the largest array of a training
    step; nine copies of twelve are not.
    """
    size, _, c_in, c_out = kernel.shape
    if c_in <= c_out:
        rows = kernel.reshape(size * size * c_in, c_out)
        return jnp.matmul(_taps(x, size, padding), rows, precision=precision)
    tap_kernels = kernel.transpose(2, 0, 1, 3).reshape(c_in, size * size * c_out)
    products = _pad(jnp.matmul(x, tap_kernels, precision=precision), padding)
    return _sum_of_taps(_sum_of_taps(products, size, axis=1), size, axis=2)


def _sum_of_taps(products: Array, size: int, axis: int) -> Array:
    """Sums a window's taps along an axis: equal parts of the channels, each a pixel further."""
    length = products.shape[axis] - size + 1
    first, *others = (
        lax.slice_in_dim(tap_products, tap, tap + length, axis=axis)
        for tap, tap_products in enumerate(jnp.split(products, size, axis=-1))
    )
    return sum(others, first)


def _forward(
    x: Array, kernel: Array, padding: Padding, precision: lax.Precision | None
) -> tuple[Array, tuple[Array, Array]]:
    return convolve_by_matrix_product(x, kernel, padding, precision), (x, kernel)


def _backward(
    padding: Padding, precision: lax.Precision | None, residuals: tuple[Array, Array], g: Array
) -> tuple[Array, Array]:
    x, kernel = residuals
    size, _, c_in, c_out = kernel.shape
    rows, columns = padding
    g_padding: Padding = (size - 1 - rows, size - 1 - columns)
    x_grad = convolve_by_matrix_product(g, kernel[::-1, ::-1].swapaxes(2, 3), g_padding, precision)
    # The taps come first: a product of few rows and many columns is the faster one.
    if c_in <= c_out:
        taps = _taps(x, size, padding)
        product = jnp.einsum("bhwk,bhwo->ko", taps, g, precision=precision)
        return x_grad, product.reshape(kernel.shape)
    taps = _taps(g, size, g_padding)
    product = jnp.einsum("bhwk,bhwi->ki", taps, x, precision=precision)
    return x_grad, product.reshape(size, size, c_out, c_in)[::-1, ::-1].swapaxes(2, 3)


convolve_by_matrix_product.defvjp(_forward, _backward)


def convolve_square(
    x: Array, kernel: Array, padding: Padding = (0, 0), precision: lax.Precision | None = None
) -> Array:
    """k×k convolution without a bias.

    On CPUs, XLA runs the gradients of convolutions inside a loop body ten times slower than
    outside one. So on CPUs this is a matrix product, which is also faster than XLA's convolution
    in the forward pass. Accelerators use the convolution of their own libraries.

    Args:
        x: (B, H, W, C_in).
        kernel: (k, k, C_in, C_out).
        padding: (p, q): p rows of zeros above and below, q columns left and right.
        precision: Precision of the products, in the gradients too; None for the device's default.

    Returns:
        (B, H + 2p − k + 1, W + 2q − k + 1, C_out).
    """
    on_cpu = jax.default_backend() == "cpu"
    form = convolve_by_matrix_product if on_cpu else convolve_natively
    return form(x, kernel, padding, precision)
