"""The U-Net and its noise."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fullglow_jax.gans import noise as noises
from fullglow_jax.gans.generators.unet import UNet
from fullglow_jax.gans.noise import HIGHEST_RATE
from fullglow_jax.layers.starts import STARTS
from tests.layers.variables import quick_jit, random_variables, run

dropout_masks = partial(quick_jit, static_argnums=1)(noises.dropout_masks)
KEYS = jax.random.split(jax.random.key(3), 3)


def test_dropout_is_of_the_layers_of_the_original():
    at_256 = UNet(8).noise_shapes(256, 256)
    assert at_256 == ((4, 4, 512), (8, 8, 512), (16, 16, 512))
    assert UNet(7).noise_shapes(128, 128) == ((4, 4, 512), (8, 8, 512))
    assert UNet(6, 8).noise_shapes(64, 64) == ((4, 4, 64),)
    assert UNet(5).noise_shapes(32, 32) == ()
    assert UNet(3, 8, dropout_from=1).noise_shapes(40, 80) == ((20, 40, 8),)


def test_what_is_shared_has_no_noise_and_the_rest_is_the_whole():
    network = UNet(4, 2, dropout_from=1)
    condition = np.random.default_rng(0).uniform(-1, 1, (2, 16, 32, 3)).astype(np.float32)
    noise = dropout_masks(KEYS[:2], network.noise_shapes(16, 32), 0.5)
    variables = random_variables(network, condition, noise)
    whole = run(network, variables, condition, noise)
    shared = run(network, variables, condition, method="shared")
    assert shared.image.shape == (2, 4, 8, 4)
    drawn = run(network, variables, shared, noise, method="drawn")
    np.testing.assert_allclose(drawn, whole, atol=1e-6)
    other = dropout_masks(KEYS[1:], network.noise_shapes(16, 32), 0.5)
    assert np.abs(run(network, variables, shared, other, method="drawn") - whole).max() > 1e-3
    assert whole.shape == (2, 16, 32, 3)
    assert np.abs(whole).max() < 1


def test_without_dropout_everything_is_shared():
    network = UNet(2, 2)
    condition = np.ones((1, 8, 8, 3), np.float32)
    variables = random_variables(network, condition, ())
    shared = run(network, variables, condition, method="shared")
    np.testing.assert_allclose(shared.image, run(network, variables, condition, ()), atol=1e-6)
    assert shared.skips == ()


def test_masks_are_of_the_key_and_of_the_rate():
    shapes = ((20, 20, 5), (40, 40, 5))
    masks = dropout_masks(KEYS, shapes, 0.75)
    for mask, shape in zip(masks, shapes, strict=True):
        assert mask.shape == (3, *shape)
        assert {*np.unique(mask)} == {0.0, 4.0}
        assert (mask == 0).mean() == pytest.approx(0.75, abs=0.02)
    alone = dropout_masks(KEYS[1:2], shapes, 0.75)
    np.testing.assert_array_equal(alone[1], masks[1][1:2])
    # The same value is dropped at a lower rate only if it is at a higher one.
    lower = dropout_masks(KEYS, shapes, 0.25)
    assert not ((lower[0] == 0) & (masks[0] != 0)).any()
    assert (dropout_masks(KEYS, shapes, 0.0)[0] == 1).all()
    hot = dropout_masks(KEYS, shapes, 2.0)[0]
    assert np.isfinite(hot).all()
    assert (hot == 0).mean() == pytest.approx(HIGHEST_RATE, abs=0.01)


@pytest.mark.parametrize(
    ("start", "deviation"),
    # Of a kernel 4×4 from 32 to 64 channels.
    [("normal", 0.02), ("xavier", 0.02 * (2 / (16 * 96)) ** 0.5), ("kaiming", (2 / 512) ** 0.5)],
)
def test_kernels_start_as_they_are_named(start, deviation):
    kernel = quick_jit(STARTS[start](0.02), static_argnums=1)(jax.random.key(0), (4, 4, 32, 64))
    assert kernel.std() == pytest.approx(deviation, rel=0.02)
    assert abs(kernel.mean()) < deviation / 20


def test_orthogonal_kernels_have_rows_of_the_gains_length():
    kernel = STARTS["orthogonal"](0.02)(jax.random.key(0), (4, 4, 8, 16)).reshape(-1, 16)
    np.testing.assert_allclose(kernel.T @ kernel, 0.02**2 * jnp.eye(16), atol=1e-7)
