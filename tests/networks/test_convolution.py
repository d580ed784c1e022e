import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from fullglow_jax.networks.convolution import convolve_3x3


def plain(x, kernel):
    layout = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=layout)


@pytest.mark.parametrize(("c_in", "c_out"), [(2, 5), (3, 3), (5, 2)])
def test_values_and_both_gradients_are_those_of_the_plain_convolution(c_in, c_out):
    rng = np.random.default_rng(c_in)
    with jax.enable_x64(True):
        x, kernel, cotangent = (
            jnp.asarray(rng.standard_normal(shape))
            for shape in [(2, 5, 7, c_in), (3, 3, c_in, c_out), (2, 3, 5, c_out)]
        )
        y, pull_back = jax.vjp(convolve_3x3, x, kernel)
        expected, expected_pull_back = jax.vjp(plain, x, kernel)
        np.testing.assert_allclose(y, expected, atol=1e-12)
        for gradient, other in zip(
            pull_back(cotangent), expected_pull_back(cotangent), strict=True
        ):
            assert gradient.dtype == jnp.float64
            np.testing.assert_allclose(gradient, other, atol=1e-12)


def test_the_smallest_input_has_one_output_pixel():
    x = jnp.arange(9.0).reshape(1, 3, 3, 1)
    kernel = jnp.arange(9.0).reshape(3, 3, 1, 1)
    assert convolve_3x3(x, kernel).shape == (1, 1, 1, 1)
    assert convolve_3x3(x, kernel).item() == 204.0  # 0² + 1² + … + 8²
