"""Products on the flow's own state and matrices are exact; what networks do inside is a choice.

A network that computes in bfloat16 has no product in float32: those left are the flow's own. An
accelerator would multiply their factors in ten or seven bits of mantissa, unless told not to.
"""

from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fullglow_jax.flows.conditioners.prior_net import KeptHalf
from fullglow_jax.flows.priors import Prior
from fullglow_jax.layers.precision import Compute
from tests.bijections.cases import CASES
from tests.layers.jaxprs import products, short_products, shortened
from tests.layers.variables import quick_key

SHAPE = (2, 6, 8, 4)
SHORT = Compute("bfloat16", tile=16)


def with_gradients(function):
    """A function, and its gradients by all that it takes."""

    def both(*args):
        y, pull_back = jax.vjp(function, *args)
        return y, pull_back(jax.tree.map(jnp.ones_like, y))

    return both


def calls(case, compute):
    """Of a bijection: there and back, both from variables on."""
    x, condition = case.inputs(SHAPE, 0, np.float32)
    module, variables = case.module(SHAPE[-1], compute), case.variables(SHAPE, 0, np.float32)
    forward = partial(module.apply, method="forward")
    y, _ = jax.eval_shape(forward, variables, x, condition)
    yield with_gradients(forward), (variables, x, condition)
    inverse = partial(module.apply, method="inverse")
    yield with_gradients(inverse), (variables, jnp.zeros(y.shape), condition)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_bijections_products_are_exact_both_ways_and_back(case):
    found = [each for function, args in calls(case, SHORT) for each in products(function, *args)]
    assert not shortened(found, besides={"bfloat16"})
    assert found or "actnorm" in case.kind or case.kind == "squeeze"


@pytest.mark.parametrize("case", [case for case in CASES if case.conditional], ids=str)
def test_in_the_highest_precision_networks_products_are_too(case):
    for function, args in calls(case, Compute("highest", tile=16)):
        assert not short_products(function, *args)
    assert any(short_products(function, *args) for function, args in calls(case, Compute()))


@pytest.mark.parametrize("case", [case for case in CASES if "convolution" in case.kind], ids=str)
def test_a_matrix_starts_from_exact_products(case):
    module, inputs = case.module(SHAPE[-1], SHORT), case.inputs(SHAPE, 0, np.float32)

    def init(*inputs):
        return module.init(quick_key(), *inputs, method="forward")

    assert not short_products(init, *inputs, besides={"bfloat16"})


@cache
def prior_variables(prior):
    latent = jnp.zeros((*SHAPE[:3], prior.channels))
    init = partial(prior.init, quick_key(), parameters=None, method="standardise")
    return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape), jax.eval_shape(init, latent, latent))


@pytest.mark.parametrize("method", ["standardise", "latent"])
@pytest.mark.parametrize("tile", [None, 16])
def test_a_priors_products_are_exact(tile, method):
    prior = Prior(3, KeptHalf(tile))
    latent = jnp.zeros((*SHAPE[:3], 3))

    def of_variables(variables, latent, kept):
        return prior.apply(variables, latent, kept, None, method=method)

    for kept in (latent, latent[..., :0]):
        args = prior_variables(prior), latent, kept
        found = products(with_gradients(of_variables), *args)
        assert found
        assert not shortened(found)


def test_every_kind_of_bijection_is_looked_at():
    kinds = {type(case.module(4)).__name__ for case in CASES}
    assert kinds == {"ActNorm", "AffineCoupling", "InvertibleConvolution", "Permutation", "Squeeze"}
