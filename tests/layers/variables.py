"""Variables away from their start, where zero-initialised layers would hide mistakes."""

from functools import cache, partial

import jax
import numpy as np

from tests.layers.quick_random import QUICK

quick_jit = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
"""A jit that compiles sooner and runs slower: right for what runs a few times on tiny images."""


@cache
def compiled(module, name, **kwargs):
    """A module's method, compiled once for all equal modules."""
    return quick_jit(partial(getattr(module, name), **kwargs))


def run(module, *args, **kwargs):
    """`module.apply`, compiled, and its results in NumPy."""
    return jax.device_get(compiled(module, "apply", **kwargs)(*args))


def start(module, *inputs, seed=0, **kwargs):
    """`module.init_with_output`, compiled, and its results in NumPy."""
    init = compiled(module, "init_with_output", **kwargs)
    return jax.device_get(init(quick_key(seed), *inputs))


def quick_key(seed=0):
    """A key of the generator that compiles soonest."""
    return jax.random.key(seed, impl=QUICK)


def perturbed(variables, seed, dtype=np.float32, size=0.1):
    """The variables with normal noise of the given size added to every trained one."""
    rng = np.random.default_rng(seed)

    def with_noise(leaf):
        return leaf + size * rng.standard_normal(leaf.shape)

    variables = {**variables, "params": jax.tree.map(with_noise, variables["params"])}
    return jax.tree.map(lambda leaf: np.asarray(leaf, dtype), variables)


def random_variables(module, *inputs, seed=0, size=0.3, dtype=np.float32):
    """Normal noise in place of every trained variable, without running an initialiser."""
    shapes = jax.eval_shape(module.init, quick_key(), *inputs)
    zeros = jax.tree.map(lambda leaf: np.zeros(leaf.shape), shapes)
    return perturbed(zeros, seed, dtype, size)
