"""3×3 convolution, in the form that each kind of device runs fast."""

from functools import partial

import jax
import jax.numpy as jnp
from jax import Array, lax

Padding = tuple[int, int]
"""Pixels of zeros above and below, and left and right."""


def _pad(x: Array, padding: Padding) -> Array:
    rows, columns = padding
    return jnp.pad(x, ((0, 0), (rows, rows), (columns, columns), (0, 0)))


def convolve_natively(x: Array, kernel: Array, padding: Padding) -> Array:
    """`convolve_3x3` as XLA's own convolution."""
    rows, columns = padding
    return lax.conv_general_dilated(
        x,
        kernel,
        window_strides=(1, 1),
        padding=((rows, rows), (columns, columns)),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )


def _taps(x: Array, padding: Padding) -> Array:
    """What the nine taps of a 3×3 window see, side by side in the channels."""
    return _side_by_side(_side_by_side(_pad(x, padding), axis=2), axis=1)


def _side_by_side(x: Array, axis: int) -> Array:
    """What three taps along an axis see, side by side in the channels."""
    length = x.shape[axis] - 2
    taps = [lax.slice_in_dim(x, tap, tap + length, axis=axis) for tap in range(3)]
    return jnp.concatenate(taps, axis=-1)


@partial(jax.custom_vjp, nondiff_argnums=(2,))
def convolve_by_matrix_product(x: Array, kernel: Array, padding: Padding) -> Array:
    """`convolve_3x3` as one matrix product, and so are both its gradients.

    The nine taps are taken on whichever side has fewer channels: of the input, before the product,
    or of the output, after it. Nine copies of 512 channels would be the largest array of a
    training step; nine copies of twelve are not.
    """
    _, _, c_in, c_out = kernel.shape
    if c_in <= c_out:
        return _taps(x, padding) @ kernel.reshape(9 * c_in, c_out)
    products = _pad(x @ kernel.transpose(2, 0, 1, 3).reshape(c_in, 9 * c_out), padding)
    return _sum_of_taps(_sum_of_taps(products, axis=1), axis=2)


def _sum_of_taps(products: Array, axis: int) -> Array:
    """Sums three taps along an axis: the channels' thirds, each from one pixel further on."""
    length = products.shape[axis] - 2
    first, second, third = (
        lax.slice_in_dim(of_tap, tap, tap + length, axis=axis)
        for tap, of_tap in enumerate(jnp.split(products, 3, axis=-1))
    )
    return first + second + third


def _forward(x: Array, kernel: Array, padding: Padding) -> tuple[Array, tuple[Array, Array]]:
    return convolve_by_matrix_product(x, kernel, padding), (x, kernel)


def _backward(padding: Padding, residuals: tuple[Array, Array], g: Array) -> tuple[Array, Array]:
    x, kernel = residuals
    c_in, c_out = kernel.shape[2:]
    rows, columns = padding
    of_rest: Padding = (2 - rows, 2 - columns)
    of_x = convolve_by_matrix_product(g, kernel[::-1, ::-1].swapaxes(2, 3), of_rest)
    # The taps' side first: a product of few rows and many columns is the faster one.
    if c_in <= c_out:
        product = jnp.einsum("bhwk,bhwo->ko", _taps(x, padding), g)
        return of_x, product.reshape(3, 3, c_in, c_out)
    product = jnp.einsum("bhwk,bhwi->ki", _taps(g, of_rest), x)
    return of_x, product.reshape(3, 3, c_out, c_in)[::-1, ::-1].swapaxes(2, 3)


convolve_by_matrix_product.defvjp(_forward, _backward)


def convolve_3x3(x: Array, kernel: Array, padding: Padding = (0, 0)) -> Array:
    """3×3 convolution without a bias.

    On CPUs, XLA runs the gradients of convolutions inside a loop body ten times slower than
    outside one; there it is written as a matrix product, which is also faster than XLA's
    convolution in the forward pass. Accelerators get their own libraries' convolution.

    Args:
        x: (B, H, W, C_in).
        kernel: (3, 3, C_in, C_out).
        padding: Zeros p above and below, and q left and right.

    Returns:
        (B, H + 2p − 2, W + 2q − 2, C_out).
    """
    on_cpu = jax.default_backend() == "cpu"
    return (convolve_by_matrix_product if on_cpu else convolve_natively)(x, kernel, padding)
