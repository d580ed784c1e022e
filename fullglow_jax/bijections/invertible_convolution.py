"""Invertible 1×1 convolution, as a full matrix or by its LU factors."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.linalg import lu, solve_triangular

from fullglow_jax.bijections.base import Bijection, Conditioner, per_image


class Weight(NamedTuple):
    """A full matrix, (1 or B, C, C); row = output channel."""

    matrix: Array


class LUFactors(NamedTuple):
    """The factors of W = P·(L + I)·(U + diag(sign·exp(log s))).

    `lower` and `upper`, (1 or B, C, C), are read strictly below and above the diagonal;
    `log_scale` is (1 or B, C). `permutation`, (1 or B, C, C), and `sign`, (1 or B, C), are fixed.
    """

    lower: Array
    upper: Array
    log_scale: Array
    permutation: Array
    sign: Array


def lu_start(key: Array, channels: int) -> LUFactors:
    """The factors of a random rotation, without a batch axis."""
    permutation, lower, upper = lu(jax.random.orthogonal(key, channels))
    diagonal = jnp.diag(upper)
    return LUFactors(
        jnp.tril(lower, -1),
        jnp.triu(upper, 1),
        jnp.log(jnp.abs(diagonal)),
        permutation,
        jnp.sign(diagonal),
    )


def scattered_start(key: Array, channels: int, deviation: float) -> LUFactors:
    """The permutation and the signs of a random rotation; all else is N(0, deviation²)."""
    rotation_key, *keys = jax.random.split(key, 4)
    rotation = lu_start(rotation_key, channels)
    lower, upper, log_scale = (
        deviation * jax.random.normal(key, factor.shape)
        for key, factor in zip(keys, rotation[:3], strict=True)
    )
    return LUFactors(lower, upper, log_scale, rotation.permutation, rotation.sign)


def _triangles(factors: LUFactors) -> tuple[Array, Array]:
    """L + I and U + diag(sign·exp(log s)), each (1 or B, C, C)."""
    eye = jnp.eye(factors.lower.shape[-1], dtype=factors.lower.dtype)
    diagonal = eye * (factors.sign * jnp.exp(factors.log_scale))[..., None, :]
    return jnp.tril(factors.lower, -1) + eye, jnp.triu(factors.upper, 1) + diagonal


def _product(a: Array, b: Array) -> Array:
    """a·b at the highest precision.

    By default, accelerators multiply mantissas of ten or seven bits: the inverse and the
    log-determinant would not fit the matrix.
    """
    return jnp.matmul(a, b, precision=jax.lax.Precision.HIGHEST)


def per_pixel(matrix: Array, x: Array) -> Array:
    """matrix, (1 or B, C, C), times every pixel of x, (B, H, W, C)."""
    pixels = x.reshape(len(matrix), -1, x.shape[-1])
    return _product(pixels, matrix.mT).reshape(x.shape)


class InvertibleConvolution(Bijection):
    """y = W·x at every pixel (Glow, section 3.2; Full-Glow, section 3.2).

        x = W⁻¹·y        log|det| = H·W·log|det W|

    W is a full matrix, or W = P·(L + I)·(U + diag(sign·exp(log s))), where log|det W| = Σ log s.
    W starts as a random rotation; P and the sign stay fixed (collection "constants"). With a
    conditioner, a network computes W or its factors from a condition and starts at those values.

    Attributes:
        channels: C.
        lu: Whether to parameterise W by its LU factors.
        conditioner: Builds the network that computes W or its factors, as one vector, from a
            condition; None for a convolution with its own parameters.
        scatter: Deviation of LU factors that start as noise, see `scattered_start`; None for those
            of the rotation.
    """

    channels: int
    lu: bool = True
    conditioner: Conditioner | None = None
    scatter: float | None = None

    @nn.compact
    def parameters(
        self, condition: Array | None = None, x: Array | None = None
    ) -> Weight | LUFactors:
        """W or its factors; the batch axis has length 1, or B with a condition."""
        del x
        if not self.lu:
            rotation = self._start(partial(jax.random.orthogonal, n=self.channels))
            return Weight(*self._trained({"weight": rotation}, condition))
        draw = partial(lu_start, channels=self.channels)
        if self.scatter is not None:
            draw = partial(scattered_start, channels=self.channels, deviation=self.scatter)
        start = self._start(draw)
        permutation = self.variable("constants", "permutation", lambda: start.permutation)
        sign = self.variable("constants", "sign", lambda: start.sign)
        trained = {name: getattr(start, name) for name in ("lower", "upper", "log_scale")}
        lower, upper, log_scale = self._trained(trained, condition)
        batch = lower.shape[0]
        return LUFactors(
            lower,
            upper,
            log_scale,
            jnp.broadcast_to(permutation.value, (batch, *permutation.value.shape)),
            jnp.broadcast_to(sign.value, (batch, *sign.value.shape)),
        )

    def _start(self, draw: Callable[[Array], Any]) -> Any:
        """One draw of arrays that belong together; once they exist, only its shapes are used."""
        if self.is_mutable_collection("params"):
            return draw(self.make_rng("params"))
        shapes = jax.eval_shape(draw, jax.random.key(0))
        return jax.tree.map(lambda array: jnp.zeros(array.shape), shapes)

    def _trained(self, start: dict[str, Array], condition: Array | None) -> list[Array]:
        """Trained arrays with a batch axis: own parameters, or computed from the condition."""
        if not self.conditioner:
            return [self.param(name, lambda _, v=value: v)[None] for name, value in start.items()]
        flat = jnp.concatenate([value.ravel() for value in start.values()])
        vector = self.conditioner.build(flat.size, lambda *_: flat)(condition)
        ends = np.cumsum([value.size for value in start.values()])[:-1]
        parts = jnp.split(vector, ends, axis=-1)
        return [
            part.reshape(-1, *value.shape)
            for part, value in zip(parts, start.values(), strict=True)
        ]

    def transform(self, x: Array, parameters: Weight | LUFactors) -> tuple[Array, Array]:
        """y = W·x."""
        _, height, width, _ = x.shape
        if isinstance(parameters, LUFactors):
            lower, upper = _triangles(parameters)
            matrix = _product(_product(parameters.permutation, lower), upper)
            log_det = parameters.log_scale.sum(axis=-1)
        else:
            matrix = parameters.matrix
            log_det = jnp.linalg.slogdet(matrix).logabsdet
        return per_pixel(matrix, x), per_image(height * width * log_det, x)

    def invert(self, y: Array, parameters: Weight | LUFactors) -> Array:
        """x = W⁻¹·y; with LU factors, by triangular solves."""
        if isinstance(parameters, LUFactors):
            lower, upper = _triangles(parameters)
            transposed = parameters.permutation.mT
            inner = solve_triangular(lower, transposed, lower=True, unit_diagonal=True)
            inverse = solve_triangular(upper, inner)
        else:
            inverse = jnp.linalg.inv(parameters.matrix)
        return per_pixel(inverse, y)
