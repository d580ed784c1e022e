"""Variables away from their start, where zero-initialised layers would hide mistakes."""

import jax
import jax.numpy as jnp
import numpy as np


def quick_key(seed=0):
    """A key of the generator that compiles soonest."""
    return jax.random.key(seed, impl="unsafe_rbg")


def perturbed(variables, seed, dtype=np.float32, size=0.1):
    """The variables with normal noise of the given size added to every trained one."""
    rng = np.random.default_rng(seed)

    def with_noise(leaf):
        return leaf + size * rng.standard_normal(leaf.shape)

    variables = {**variables, "params": jax.tree.map(with_noise, variables["params"])}
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), variables)


def random_variables(module, x, seed=0, size=0.3):
    """Normal noise in place of every trained variable, without running an initialiser."""
    shapes = jax.eval_shape(module.init, quick_key(), x)
    zeros = jax.tree.map(lambda leaf: np.zeros(leaf.shape), shapes)
    return perturbed(zeros, seed, size=size)
