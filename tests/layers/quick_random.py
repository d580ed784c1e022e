"""A random number generator that compiles soonest: ten operations a draw.

Those of JAX have hundreds on a CPU, and most of what it takes to compile a start is theirs.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.random import define_prng_impl


def _mixed(x):
    """Each 32-bit integer's place in a fixed permutation of them all (C. Wellons, lowbias32)."""
    x = (x ^ (x >> 16)) * np.uint32(0x7FEB352D)
    x = (x ^ (x >> 15)) * np.uint32(0x846CA68B)
    return x ^ (x >> 16)


def _each(key, shape):
    """A number for each place in a shape."""
    places = jax.lax.iota(np.uint32, math.prod(shape)).reshape(shape)
    return _mixed(key[0] + places * np.uint32(0x9E3779B9))


def _random_bits(key, bit_width, shape):
    if bit_width == 64:
        high, low = _each(key, (2, *shape)).astype(np.uint64)
        return (high << 32) | low
    return _each(key, shape).astype(f"uint{bit_width}")


def _fold_in(key, data):
    return _mixed(key ^ _mixed(jnp.uint32(data) + np.uint32(1)))


QUICK = define_prng_impl(
    key_shape=(1,),
    seed=lambda seed: _mixed(seed.astype(np.uint32) + np.uint32(1))[None],
    split=lambda key, shape: _mixed(_each(key, shape))[..., None],
    random_bits=_random_bits,
    fold_in=_fold_in,
    name="quick",
    tag="quick",
)
"""For `jax.random.key`."""
