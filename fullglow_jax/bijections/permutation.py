"""Fixed permutation of channels."""

import jax
import jax.numpy as jnp
from jax import Array

from fullglow_jax.bijections.base import Bijection
from fullglow_jax.bijections.invertible_convolution import per_pixel


class Permutation(Bijection):
    """The channels in another order, drawn once (Glow, section 3.2; NICE, section 3.2).

        y = P·x        x = Pᵀ·y        log|det| = 0

    P, a matrix of zeros and ones, stays fixed (collection "constants").

    Attributes:
        channels: C.
    """

    channels: int

    def setup(self) -> None:
        """Draws the permutation."""
        self.permutation = self.variable("constants", "permutation", self._draw)

    def parameters(self, condition: Array | None = None, x: Array | None = None) -> Array:
        """P, (1, C, C)."""
        del condition, x
        matrix: Array = self.permutation.value
        return matrix[None]

    def transform(self, x: Array, parameters: Array) -> tuple[Array, Array]:
        """y = P·x."""
        return per_pixel(parameters, x), jnp.zeros(len(x), x.dtype)

    def invert(self, y: Array, parameters: Array) -> Array:
        """x = Pᵀ·y."""
        return per_pixel(parameters.mT, y)

    def _draw(self) -> Array:
        order = jax.random.permutation(self.make_rng("params"), self.channels)
        return jnp.eye(self.channels)[order]
