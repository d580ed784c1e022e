from pathlib import Path

import jax
import numpy as np
import pytest
from scipy import stats

from fullglow_jax.flows.likelihood import (
    bits_per_dim,
    dequantise,
    from_centred,
    gaussian_log_density,
    quantise,
    to_centred,
    to_unit_interval,
)


def test_bits_per_dim_of_a_uniform_density_are_the_bits_of_a_pixel():
    for bits in (8, 5):
        np.testing.assert_allclose(bits_per_dim(np.zeros(2), np.zeros(2), 48, bits), bits)


def test_bits_per_dim_by_hand():
    # −(−10 + 4 − 12·ln 256) / (12·ln 2) = 6 / (12·ln 2) + 8
    actual = bits_per_dim(np.array([-10.0, 0.0]), np.array([4.0, 0.0]), 12, 8)
    np.testing.assert_allclose(actual, [8 + 0.5 / np.log(2), 8], rtol=1e-6)


def test_the_gaussian_is_scipys():
    x, mean, log_std = np.random.default_rng(0).standard_normal((3, 20))
    expected = stats.norm(mean, np.exp(log_std)).logpdf(x)
    np.testing.assert_allclose(gaussian_log_density(x, mean, log_std), expected, rtol=1e-4)


def test_noise_fills_one_step_of_the_pixels_and_no_more():
    image = np.full((40, 40, 3), 0.25, np.float32)
    for bits in (8, 5):
        noise = np.asarray(dequantise(image, jax.random.key(0), bits)) - image
        assert noise.min() >= 0
        assert noise.max() < 2.0**-bits
        np.testing.assert_allclose(noise.mean(), 2.0**-bits / 2, rtol=0.05)
        np.testing.assert_allclose(noise.std(), 2.0**-bits / 12**0.5, rtol=0.05)


def test_eight_bits_become_the_unit_interval():
    pixels = np.array([0, 51, 255], np.uint8)
    np.testing.assert_allclose(to_unit_interval(pixels), [0, 0.2, 1])
    assert to_unit_interval(pixels).dtype == np.float32
    floats = np.array([0.3, 1.0], np.float32)
    np.testing.assert_array_equal(to_unit_interval(floats), floats)


PIXELS = np.arange(256, dtype=np.uint8)


@pytest.mark.parametrize("bits", range(1, 8))
def test_fewer_bits_are_a_pixels_highest(bits):
    expected = PIXELS // 2 ** (8 - bits) / np.float32(2**bits)
    for pixels in (PIXELS, np.float32(PIXELS) / 255, PIXELS / 255, expected):
        np.testing.assert_array_equal(quantise(pixels, bits), expected)
    assert len(np.unique(expected)) == 2**bits
    # What a flow has decoded from them, rounding errors off.
    for error in (-1e-5, 1e-5):
        np.testing.assert_array_equal(quantise(expected + np.float32(error), bits), expected)


def test_in_eight_bits_pixels_are_what_they_were():
    for pixels in (PIXELS, np.random.default_rng(0).random(256, np.float32)):
        np.testing.assert_array_equal(quantise(pixels, 8), to_unit_interval(pixels))


def test_centred_pixels_are_those_of_the_published_glow():
    with np.load(Path(__file__).parents[1] / "golden" / "glow" / "metrics.npz") as recorded:
        for bits in (8, 5, 3):
            ours = to_centred(quantise(recorded["image"], bits), bits)
            np.testing.assert_allclose(ours, recorded[f"preprocessed_{bits}"], atol=1e-7)


@pytest.mark.parametrize("bits", [8, 5, 1])
def test_pixels_come_back_from_the_centre(bits):
    pixels = quantise(PIXELS, bits)
    np.testing.assert_allclose(from_centred(to_centred(pixels, bits), bits), pixels, atol=1e-7)
