"""Both forms of the convolution against XLA's own, with its own gradients."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from fullglow_jax.layers.convolution import (
    convolve_by_matrix_product,
    convolve_natively,
    convolve_square,
)
from tests.layers.jaxprs import products, short_products
from tests.layers.variables import quick_jit


def plain(x, kernel, padding):
    around = tuple((p, p) for p in padding)
    layout = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(x, kernel, (1, 1), around, dimension_numbers=layout)


@partial(quick_jit, static_argnums=(0, 1))
def run(form, padding, x, kernel, cotangent):
    """The convolution, and its gradients by x and by the kernel."""
    y, pull_back = jax.vjp(lambda x, kernel: form(x, kernel, padding), x, kernel)
    return y, *pull_back(cotangent)


@pytest.mark.parametrize("form", [convolve_by_matrix_product, convolve_natively])
@pytest.mark.parametrize("padding", [(0, 0), (0, 1), (1, 1), (2, 1)])
@pytest.mark.parametrize(("c_in", "c_out"), [(2, 5), (3, 3), (5, 2)])
def test_values_and_both_gradients_are_those_of_the_plain_convolution(form, padding, c_in, c_out):
    rng = np.random.default_rng(c_in)
    height, width = 5 + 2 * padding[0] - 2, 7 + 2 * padding[1] - 2

    with jax.enable_x64(True):
        x, kernel, cotangent = (
            jnp.asarray(rng.standard_normal(shape))
            for shape in [(2, 5, 7, c_in), (3, 3, c_in, c_out), (2, height, width, c_out)]
        )
        for actual, expected in zip(
            run(form, padding, x, kernel, cotangent),
            run(plain, padding, x, kernel, cotangent),
            strict=True,
        ):
            assert actual.dtype == jnp.float64
            np.testing.assert_allclose(actual, expected, atol=1e-12)


@pytest.mark.parametrize("form", [convolve_by_matrix_product, convolve_natively])
@pytest.mark.parametrize(("c_in", "c_out"), [(2, 5), (5, 2)])
def test_the_precision_is_that_of_the_gradients_too(form, c_in, c_out):
    def run(x, kernel, precision):
        y, pull_back = jax.vjp(lambda x, kernel: form(x, kernel, (1, 1), precision), x, kernel)
        return pull_back(y)

    args = jnp.zeros((2, 5, 7, c_in)), jnp.zeros((3, 3, c_in, c_out))
    for precision, short in ((None, 3), (lax.Precision.HIGHEST, 0)):
        of_both = partial(run, precision=precision)
        assert len(products(of_both, *args)) == 3
        assert len(short_products(of_both, *args)) == short


def test_the_smallest_input_has_one_output_pixel():
    x = jnp.arange(9.0).reshape(1, 3, 3, 1)
    kernel = jnp.arange(9.0).reshape(3, 3, 1, 1)
    assert convolve_square(x, kernel).shape == (1, 1, 1, 1)
    assert convolve_square(x, kernel).item() == 204.0  # 0² + 1² + … + 8²
