"""Convolutions that halve an image, and their transposes, which double one.

The same function runs fast in another form on each kind of device: on CPUs, XLA's own gradients of
strided convolutions multiply by the zeros between pixels, so there it is a matrix product.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax import Array, lax

Size = tuple[int, int]
"""Height and width."""


def halve(
    x: Array, kernel: Array, padding: int = 1, precision: lax.Precision | None = None
) -> Array:
    """k×k convolution with stride 2, without a bias.

    Args:
        x: (B, H, W, C_in).
        kernel: (k, k, C_in, C_out), k even.
        padding: Rows and columns of zeros on each side.
        precision: Precision of the products, in the gradients too; None for the device's default.

    Returns:
        (B, ⌊(H + 2·padding − k) / 2⌋ + 1, likewise, C_out).
    """
    form = _halve_by_product if jax.default_backend() == "cpu" else _halve_natively
    return form(x, kernel, padding, precision)


def double(
    y: Array, kernel: Array, padding: int = 1, precision: lax.Precision | None = None
) -> Array:
    """The transpose of `halve` with the same kernel, as of a matrix.

    Args:
        y: (B, h, w, C_out).
        kernel: (k, k, C_in, C_out), k even: the kernel of the convolution that it transposes.
        padding: As in `halve`.
        precision: As in `halve`.

    Returns:
        (B, 2·(h − 1) + k − 2·padding, likewise, C_in).
    """
    height, width = (2 * (n - 1) + len(kernel) - 2 * padding for n in y.shape[1:3])
    form = _double_by_product if jax.default_backend() == "cpu" else _double_natively
    return form(y, kernel, padding, precision, (height, width))


def _halve_natively(
    x: Array, kernel: Array, padding: int, precision: lax.Precision | None
) -> Array:
    return lax.conv_general_dilated(
        x,
        kernel,
        window_strides=(2, 2),
        padding=((padding, padding), (padding, padding)),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        precision=precision,
    )


def _double_natively(
    y: Array, kernel: Array, padding: int, precision: lax.Precision | None, size: Size
) -> Array:
    del size
    around = len(kernel) - 1 - padding
    return lax.conv_general_dilated(
        y,
        kernel[::-1, ::-1].swapaxes(2, 3),
        window_strides=(1, 1),
        padding=((around, around), (around, around)),
        lhs_dilation=(2, 2),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        precision=precision,
    )


# ---- as matrix products --------------------------------------------------------------------------


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _halve_by_product(
    x: Array, kernel: Array, padding: int, precision: lax.Precision | None
) -> Array:
    windows = _windows(x, len(kernel), padding)
    return jnp.matmul(windows, _as_matrix(kernel), precision=precision)


@partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4))
def _double_by_product(
    y: Array, kernel: Array, padding: int, precision: lax.Precision | None, size: Size
) -> Array:
    """`double` to a size that may be one larger, if `halve` of such an image reads it not whole."""
    k, _, channels, _ = kernel.shape
    products = jnp.matmul(y, _as_matrix(kernel).T, precision=precision)
    return _overlapped(products.reshape(*y.shape[:3], k, k, channels), padding, size)


def _halve_forward(
    x: Array, kernel: Array, padding: int, precision: lax.Precision | None
) -> tuple[Array, tuple[Array, Array]]:
    return _halve_by_product(x, kernel, padding, precision), (x, kernel)


def _halve_backward(
    padding: int, precision: lax.Precision | None, residuals: tuple[Array, Array], g: Array
) -> tuple[Array, Array]:
    x, kernel = residuals
    height, width = x.shape[1:3]
    x_gradient = _double_by_product(g, kernel, padding, precision, (height, width))
    return x_gradient, _kernel_gradient(x, g, kernel, padding, precision)


def _double_forward(
    y: Array, kernel: Array, padding: int, precision: lax.Precision | None, size: Size
) -> tuple[Array, tuple[Array, Array]]:
    return _double_by_product(y, kernel, padding, precision, size), (y, kernel)


def _double_backward(
    padding: int,
    precision: lax.Precision | None,
    size: Size,
    residuals: tuple[Array, Array],
    g: Array,
) -> tuple[Array, Array]:
    del size
    y, kernel = residuals
    y_gradient = _halve_by_product(g, kernel, padding, precision)
    return y_gradient, _kernel_gradient(g, y, kernel, padding, precision)


_halve_by_product.defvjp(_halve_forward, _halve_backward)
_double_by_product.defvjp(_double_forward, _double_backward)


def _kernel_gradient(
    large: Array, small: Array, kernel: Array, padding: int, precision: lax.Precision | None
) -> Array:
    windows = _windows(large, len(kernel), padding)
    product = jnp.einsum("bhwk,bhwo->ko", windows, small, precision=precision)
    return product.reshape(kernel.shape)


def _as_matrix(kernel: Array) -> Array:
    """(k·k·C_in, C_out)."""
    return kernel.reshape(-1, kernel.shape[-1])


def _windows(x: Array, k: int, padding: int) -> Array:
    """The pixels of each k×k window, every second one, side by side in the channels."""
    x = jnp.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    for axis in (2, 1):
        end = x.shape[axis] - k + 1
        taps = [lax.slice_in_dim(x, tap, tap + end, 2, axis) for tap in range(k)]
        x = jnp.concatenate(taps, axis=-1)
    return x


def _overlapped(windows: Array, padding: int, size: Size) -> Array:
    """The sum of windows, (B, h, w, k, k, C), each in its place: (B, *size, C)."""
    pairs = _sum_of_pairs(_sum_of_pairs(windows, 2, 4), 1, 3)
    batch, rows, columns, _, _, channels = pairs.shape
    image = pairs.transpose(0, 1, 3, 2, 4, 5).reshape(batch, 2 * rows, 2 * columns, channels)
    crop = [(-padding, n + padding - m, 0) for n, m in zip(size, image.shape[1:3], strict=True)]
    return lax.pad(image, jnp.zeros((), image.dtype), ((0, 0, 0), *crop, (0, 0, 0)))


def _sum_of_pairs(windows: Array, axis: int, tap_axis: int) -> Array:
    """Windows along an axis as a row of pairs of pixels, k/2 − 1 more than windows.

    A window's taps 2a and 2a + 1 are the pair that is a pairs after its first.
    """
    count = windows.shape[tap_axis] // 2

    def in_place(a: int) -> Array:
        pair = lax.slice_in_dim(windows, 2 * a, 2 * a + 2, axis=tap_axis)
        around = [(a, count - 1 - a) if i == axis else (0, 0) for i in range(windows.ndim)]
        return jnp.pad(pair, around)

    first, *others = map(in_place, range(count))
    return sum(others, first)
