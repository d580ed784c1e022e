"""Invertible maps, one per file, each a Flax module that can be used alone."""

from fullglow_jax.bijections.actnorm import ActNorm
from fullglow_jax.bijections.base import Bijection
from fullglow_jax.bijections.coupling import AffineCoupling
from fullglow_jax.bijections.invertible_convolution import InvertibleConvolution
from fullglow_jax.bijections.permutation import Permutation
from fullglow_jax.bijections.squeeze import Squeeze, squeeze, unsqueeze

__all__ = [
    "ActNorm",
    "AffineCoupling",
    "Bijection",
    "InvertibleConvolution",
    "Permutation",
    "Squeeze",
    "squeeze",
    "unsqueeze",
]
