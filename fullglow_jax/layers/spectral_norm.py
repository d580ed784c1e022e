"""Spectral normalisation (Miyato et al. 2018)."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array, lax

SPECTRAL = "spectral"
"""The collection of the vectors u and v."""

SMALLEST = 1e-12
"""The least norm that a vector is divided by."""


class SpectralNorm(nn.Module):
    """W / σ, where σ = uᵀ·W·v is close to the largest singular value of W as a matrix.

    Whenever their collection may change, the vectors first take one turn of power iteration,
    v ← Wᵀu and u ← Wv, both to length 1, without gradient. The rows of W are output channels.
    """

    @nn.compact
    def __call__(self, kernel: Array) -> Array:
        """The kernel, output channels last, divided by σ."""
        matrix = kernel.reshape(-1, kernel.shape[-1])
        u = self.variable(SPECTRAL, "u", self._random, matrix.shape[1])
        v = self.variable(SPECTRAL, "v", self._random, matrix.shape[0])
        if self.is_mutable_collection(SPECTRAL) and not self.is_initializing():
            fixed = lax.stop_gradient(matrix)
            v.value = _unit(_product(fixed, u.value))
            u.value = _unit(_product(v.value, fixed))
        return kernel / _product(_product(v.value, matrix), u.value)

    def _random(self, length: int) -> Array:
        return _unit(jax.random.normal(self.make_rng("params"), (length,)))


def _product(a: Array, b: Array) -> Array:
    # In full: of a shortened σ, every value of the layer would be off, and vectors cost little.
    return jnp.matmul(a, b, precision=lax.Precision.HIGHEST)


def _unit(vector: Array) -> Array:
    return vector / jnp.maximum(jnp.linalg.norm(vector), SMALLEST)
