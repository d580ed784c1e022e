"""bfloat16 inside the networks, float32 around them."""

from dataclasses import replace
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fullglow_jax.flows.architecture import FullGlowArchitecture
from fullglow_jax.flows.step import State, Step
from fullglow_jax.flows.step_tables import full_glow, full_glow_level
from tests.flows.test_full_glow import TWO_LEVELS, inputs, pair_and_maps, random_model
from tests.flows.test_memory_modes import LU, ONE_ROW, difference, gradients
from tests.layers.jaxprs import product_types, short_products
from tests.layers.variables import quick_key

BFLOAT16 = replace(TWO_LEVELS, precision="bfloat16")


def types(tree):
    return {str(leaf.dtype) for leaf in jax.tree.leaves(tree)}


def test_parameters_latents_and_densities_are_float32():
    pairs = pair_and_maps(BFLOAT16, 2, np.float32)
    encodings, variables = jax.eval_shape(full_glow(BFLOAT16).init_with_output, quick_key(), *pairs)
    assert types(encodings) == types(variables) == {"float32"}


def test_what_is_between_the_operations_is_float32():
    operations, _ = full_glow_level(BFLOAT16, 0)
    step, x = Step(operations), jnp.zeros((2, 10, 12, 4))
    state = State({"source": x, "target": x}, {"source": jnp.zeros(2), "target": jnp.zeros(2)})
    init = partial(step.init_with_output, method="encode")
    (encoded, _), variables = jax.eval_shape(init, quick_key(), state, {})
    assert types(encoded) == {"float32"}
    read = partial(step.apply, drawn="target", method="read_conditions")
    assert types(jax.eval_shape(read, variables, {"source": x}, {})) == {"float32"}


@cache
def types_multiplied(precision):
    network = full_glow(replace(TWO_LEVELS, precision=precision))
    variables = random_model(TWO_LEVELS, np.float32)
    return product_types(network.apply, variables, *pair_and_maps(TWO_LEVELS, 2, np.float32))


def test_only_if_asked_are_there_products_in_bfloat16():
    assert types_multiplied("bfloat16") == {"bfloat16", "float32"}
    assert types_multiplied("float32") == {"float32"}


def there_and_back(architecture):
    """All that a model computes: likelihoods, their gradients, and images out of latents."""
    network = full_glow(architecture)

    def densities(variables, *pair):
        encodings = network.apply(variables, pair)
        return sum((each.log_prior + each.log_det).sum() for each in encodings), encodings

    def run(variables, source, target):
        args = variables, source, target
        gradients, (of_source, of_target) = jax.grad(densities, (0, 1, 2), has_aux=True)(*args)
        read = network.apply(variables, (source,), method="read_conditions")
        decoded = network.apply(variables, of_target.latents, read, True, method="decode")
        return (
            gradients,
            decoded,
            network.apply(variables, of_source.latents, image="source", method="decode"),
        )

    return run


@pytest.mark.parametrize(
    ("precision", "mode", "lu"),
    [
        # All networks are in bfloat16 then, but for the last layers that give a flow its matrices.
        ("bfloat16", "store", True),
        ("bfloat16", "invert", False),
        ("highest", "remat", True),
    ],
)
def test_the_flows_own_products_are_exact_whatever_the_networks_compute_in(precision, mode, lu):
    widths = {"channels": 1, "coupling_width": 6, "spatial_width": 4}
    of_networks = {"precision": precision, "memory_mode": mode, "tile": ONE_ROW}
    architecture = FullGlowArchitecture((10, 12), (2,), lu=lu, **widths, **of_networks)
    *pair, _ = inputs(architecture, 2, np.float32)
    shapes = jax.eval_shape(full_glow(architecture).init, quick_key(), tuple(pair))
    variables = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape), shapes)
    assert not short_products(there_and_back(architecture), variables, *pair, besides={"bfloat16"})


def test_bits_and_gradients_are_about_those_of_float32():
    expected_bits, (expected, _) = gradients(LU, np.float64)
    way = {"precision": "bfloat16", "memory_mode": "invert", "tile": ONE_ROW}
    bits, (actual, _) = gradients(replace(LU, **way), np.float32)
    assert types(actual) == types(bits) == {"float32"}
    assert 1e-6 < abs(bits / expected_bits - 1) < 0.02
    assert 1e-4 < difference(actual, expected) < 0.1
