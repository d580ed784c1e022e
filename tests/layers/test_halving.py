"""Both forms of convolutions with stride 2 and of their transposes against XLA's own."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from fullglow_jax.layers import halving
from tests.layers.variables import quick_jit

FORMS = {
    "product": (halving._halve_by_product, halving._double_by_product),
    "native": (halving._halve_natively, halving._double_natively),
}


def plain(x, kernel, padding):
    around = ((padding, padding),) * 2
    layout = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(x, kernel, (2, 2), around, dimension_numbers=layout)


@partial(quick_jit, static_argnums=0)
def with_gradients(function, x, kernel, cotangent):
    """A function's values, and its gradients by both arguments."""
    y, pull_back = jax.vjp(function, x, kernel)
    return y, *pull_back(cotangent)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("size", "padding"), [((6, 8), 1), ((7, 9), 1), ((5, 6), 2), ((4, 4), 0)])
def test_a_halving_and_its_transpose(form, size, padding):
    halve, double = FORMS[form]
    rng = np.random.default_rng(0)
    with jax.enable_x64(True):
        x = jnp.asarray(rng.standard_normal((2, *size, 3)))
        kernel = jnp.asarray(rng.standard_normal((4, 4, 3, 5)))
        small = plain(x, kernel, padding)
        g = jnp.asarray(rng.standard_normal(small.shape))
        expected = with_gradients(partial(plain, padding=padding), x, kernel, g)
        ours = partial(halve, padding=padding, precision=None)
        for mine, right in zip(with_gradients(ours, x, kernel, g), expected, strict=True):
            np.testing.assert_allclose(mine, right, atol=1e-12)

        height, width = (2 * (n - 1) + 4 - 2 * padding for n in small.shape[1:3])
        if (height, width) != size:  # some of the image is not read: no size would be its own
            return
        transpose = jax.linear_transpose(lambda x: plain(x, kernel, padding), x)
        doubled = partial(double, padding=padding, precision=None, size=size)
        np.testing.assert_allclose(doubled(g, kernel), transpose(g)[0], atol=1e-12)
        _, g_gradient, kernel_gradient = with_gradients(doubled, g, kernel, x)
        np.testing.assert_allclose(g_gradient, plain(x, kernel, padding), atol=1e-12)
        np.testing.assert_allclose(kernel_gradient, expected[2], atol=1e-12)


def test_the_gradient_of_a_gradient_is_that_of_the_plain_one():
    rng = np.random.default_rng(0)

    def twice(function, x, kernel):
        def norm(kernel):
            return jnp.square(jax.grad(lambda x: jnp.tanh(function(x, kernel)).sum())(x)).sum()

        return jax.grad(norm)(kernel)

    with jax.enable_x64(True):
        x, kernel = (
            jnp.asarray(rng.standard_normal(shape)) for shape in ((1, 6, 6, 2), (4, 4, 2, 3))
        )
        mine = twice(partial(FORMS["product"][0], padding=1, precision=None), x, kernel)
        np.testing.assert_allclose(mine, twice(partial(plain, padding=1), x, kernel), atol=1e-10)


def test_the_public_ones_take_one_of_them():
    x, kernel = np.ones((1, 4, 6, 2), np.float32), np.ones((4, 4, 2, 3), np.float32)
    assert halving.halve(x, kernel).shape == (1, 2, 3, 3)
    assert halving.double(halving.halve(x, kernel), kernel).shape == (1, 4, 6, 2)
