"""Dequantisation, Gaussian densities and bits per dimension."""

import math

import jax
import jax.numpy as jnp
from jax import Array


def to_unit_interval(image: Array) -> Array:
    """uint8 0…255 → float32 [0, 1]; float images pass unchanged."""
    if jnp.issubdtype(image.dtype, jnp.integer):
        return image.astype(jnp.float32) / 255.0
    return image


def quantise(image: Array, bits: int) -> Array:
    """Pixels p with n bits per channel, as float in [0, 1].

        n = 8: p / 255, as in the paper        n < 8: ⌊p / 2^(8−n)⌋ / 2ⁿ

    Floats in [0, 1] become the same 2ⁿ values: p / 255 becomes the value of p, and each of those
    values stays, even if a flow has decoded it a rounding error too low.

    Args:
        image: uint8 0…255, or float in [0, 1]. At 8 bits, floats pass unchanged.
        bits: n, 1 to 8.
    """
    if bits >= 8:
        return to_unit_interval(image)
    levels = 2**bits
    if jnp.issubdtype(image.dtype, jnp.integer):
        return (image >> (8 - bits)).astype(jnp.float32) / levels
    # p / 255 is at least 1/255 of a level below the next one, so adding half of that is safe.
    return jnp.floor(image * levels + 1 / 512).clip(0, levels - 1) / levels


def to_centred(pixels: Array, bits: int) -> Array:
    """Quantised pixels as p / 2ⁿ − ½ (`dajinstory/glow-pytorch`).

    At 8 bits, they come as p / 255, and at fewer as p / 2ⁿ, see `quantise`.
    """
    return pixels * _centred_range(bits) - 0.5


def from_centred(x: Array, bits: int) -> Array:
    """The inverse of `to_centred`."""
    return (x + 0.5) / _centred_range(bits)


def _centred_range(bits: int) -> float:
    """The distance that pixels of 0 and 1 have when they are centred."""
    return 255 / 256 if bits >= 8 else 1.0


def dequantise(image: Array, key: Array, bits: int) -> Array:
    """Adds U[0, 1)/2^bits, so that a density of real values bounds the likelihood of the pixels."""
    return image + jax.random.uniform(key, image.shape, image.dtype) / 2**bits


def gaussian_log_density(x: Array, mean: Array, log_std: Array) -> Array:
    """log N(x; mean, e^{2·log_std}), elementwise."""
    standardised = (x - mean) * jnp.exp(-log_std)
    return -0.5 * math.log(2 * math.pi) - log_std - 0.5 * standardised**2


def bits_per_dim(log_prior: Array, log_det: Array, dimensions: int, bits: float) -> Array:
    """−(log p + log|det| − D·ln 2^bits) / (D·ln 2): bits per dimension of 2^bits-level pixels.

    Args:
        log_prior: (B,), log-density of the latents.
        log_det: (B,), log|det| from image to latents.
        dimensions: D = H·W·C.
        bits: Bits per channel of the pixels.
    """
    log_likelihood = log_prior + log_det - dimensions * bits * math.log(2)
    return -log_likelihood / (dimensions * math.log(2))
