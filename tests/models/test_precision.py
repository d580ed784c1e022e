"""bfloat16 inside the networks, float32 around them."""

from dataclasses import replace
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fullglow_jax.models.flow_step import FlowStep, StepOutputs
from fullglow_jax.models.full_glow import FullGlow
from tests.models.test_full_glow import TWO_LEVELS, inputs, random_model
from tests.models.test_memory_modes import LU, ONE_ROW, difference, gradients
from tests.networks.jaxprs import product_types
from tests.networks.variables import quick_key

BFLOAT16 = replace(TWO_LEVELS, precision="bfloat16")


def types(tree):
    return {str(leaf.dtype) for leaf in jax.tree.leaves(tree)}


def test_parameters_latents_and_densities_are_float32():
    pairs = inputs(BFLOAT16, 2, np.float32)
    encodings, variables = jax.eval_shape(FullGlow(BFLOAT16).init_with_output, quick_key(), *pairs)
    assert types(encodings) == types(variables) == {"float32"}


@pytest.mark.parametrize("conditional", [False, True])
def test_what_is_between_the_operations_is_float32(conditional):
    x = jnp.zeros((2, 10, 12, 4))
    conditions = StepOutputs(x, x, x) if conditional else None
    step = FlowStep(BFLOAT16, 4, conditional)
    of_forward, variables = jax.eval_shape(
        lambda *args: step.init_with_output(*args, method="forward"), quick_key(), x, conditions
    )
    assert types(of_forward) == {"float32"}
    read = jax.eval_shape(
        lambda *args: step.apply(*args, method="parameters"), variables, conditions
    )
    assert types(read) == {"float32"}


@cache
def types_multiplied(precision):
    network = FullGlow(replace(TWO_LEVELS, precision=precision))
    variables = random_model(TWO_LEVELS, np.float32)
    return product_types(network.apply, variables, *inputs(TWO_LEVELS, 2, np.float32))


def test_only_if_asked_are_there_products_in_bfloat16():
    assert types_multiplied("bfloat16") == {"bfloat16", "float32"}
    assert types_multiplied("float32") == {"float32"}


def test_bits_and_gradients_are_about_those_of_float32():
    expected_bits, (expected, _) = gradients(LU, np.float64)
    way = {"precision": "bfloat16", "memory_mode": "invert", "tile": ONE_ROW}
    bits, (actual, _) = gradients(replace(LU, **way), np.float32)
    assert types(actual) == types(bits) == {"float32"}
    assert 1e-6 < abs(bits / expected_bits - 1) < 0.02
    assert 1e-4 < difference(actual, expected) < 0.1
