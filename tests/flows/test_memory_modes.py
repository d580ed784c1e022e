"""Gradients however the backward pass comes by the activations, and the memory that it takes."""

from dataclasses import replace
from functools import cache

import jax
import numpy as np
import optax
import pytest

from fullglow_jax.flows.architecture import FullGlowArchitecture
from fullglow_jax.flows.model import JointFlowModel
from fullglow_jax.flows.step_tables import full_glow
from fullglow_jax.models.batch import Batch
from tests.flows.test_full_glow import BOUNDARY, inputs, random_model
from tests.layers.variables import quick_jit, quick_key

MATRICES = replace(BOUNDARY, memory_mode="store", tile=0)
LU = replace(MATRICES, lu=True, boundary_maps="")

ONE_ROW = 2 * 6
"""Pixels, of both images at the only level, which is 5×6."""


def split(variables):
    """The trained collection, and all others."""
    return variables["params"], {name: variables[name] for name in variables if name != "params"}


@cache
def gradients(architecture, dtype):
    """The objective at random parameters, and its gradients by them and by the images."""
    flow = full_glow(architecture)
    model = JointFlowModel(flow, bits=8, source_weight=0.5, optimizer=optax.sgd(0.1))

    @quick_jit
    @jax.value_and_grad
    def run(trained, constants, keys):
        params, batch = trained
        bits = model.bits_per_dim({**constants, "params": params}, batch, keys)
        return model.source_weight * bits["source"].mean() + bits["conditional"].mean()

    params, constants = split(random_model(BOUNDARY if architecture.boundary else LU, dtype))
    with jax.enable_x64(dtype == np.float64):
        keys = jax.vmap(jax.random.key)(np.arange(2))
        return jax.device_get(
            run((params, Batch(*inputs(architecture, 2, dtype))), constants, keys)
        )


def norm(tree):
    """Of all of a tree's arrays together, in NumPy, which compiles nothing."""
    return np.sqrt(sum(np.square(leaf, dtype=np.float64).sum() for leaf in jax.tree.leaves(tree)))


def difference(actual, expected):
    """Of two trees: relative, by norm."""
    return norm(jax.tree.map(np.subtract, actual, expected)) / norm(expected)


@pytest.mark.parametrize(
    ("architecture", "mode", "tile"),
    [
        pytest.param(LU, "invert", ONE_ROW, id="LU-invert-tiles"),
        pytest.param(MATRICES, "remat", ONE_ROW, id="matrices-remat-tiles"),
        pytest.param(MATRICES, "invert", 0, id="matrices-invert"),
    ],
)
def test_gradients_are_those_of_stored_activations(architecture, mode, tile):
    expected_value, (of_params, of_batch) = gradients(architecture, np.float64)
    other = replace(architecture, memory_mode=mode, tile=tile)
    value, (actual, of_other_batch) = gradients(other, np.float64)
    np.testing.assert_allclose(value, expected_value, rtol=1e-12)
    assert all(leaf.any() for leaf in jax.tree.leaves((of_params, of_batch)))
    for name in ("condition", "target"):
        assert difference(getattr(of_other_batch, name), getattr(of_batch, name)) < 1e-8
    assert max(jax.tree.leaves(jax.tree.map(difference, actual, of_params))) < 1e-8


def test_where_steps_are_inverted_boundary_maps_get_no_gradient():
    _, (_, stored) = gradients(MATRICES, np.float64)
    _, (_, inverted) = gradients(replace(MATRICES, memory_mode="invert"), np.float64)
    assert stored.boundary[0].any()
    assert not inverted.boundary[0].any()


def test_in_single_precision_inverting_costs_little():
    _, (expected, _) = gradients(LU, np.float64)
    single = replace(LU, memory_mode="invert", tile=ONE_ROW)
    _, (actual, _) = gradients(single, np.float32)
    assert 0 < difference(actual, expected) < 1e-3


# --- Memory ---------------------------------------------------------------------------------------


IMAGE = jax.ShapeDtypeStruct((2, 32, 32, 1), np.float32)


def network_of(steps, **options):
    widths = {"channels": 1, "coupling_width": 16, "spatial_width": 8}
    return full_glow(FullGlowArchitecture((32, 32), (steps,), tile=0, **widths, **options))


@cache
def variable_shapes(steps):
    return jax.eval_shape(network_of(steps).init, quick_key(), (IMAGE, IMAGE))


@cache
def temporary_memory(mode, steps):
    """Bytes that likelihoods and their gradients take beside parameters and results."""
    network = network_of(steps, memory_mode=mode)
    params, constants = split(variable_shapes(steps))

    def objective(params, constants, *images):
        encodings = network.apply({**constants, "params": params}, images)
        return sum((each.log_det + each.log_prior).sum() for each in encodings)

    lowered = quick_jit(jax.value_and_grad(objective)).lower(params, constants, IMAGE, IMAGE)
    return lowered.compile().memory_analysis().temp_size_in_bytes


def test_inverting_takes_no_memory_for_depth():
    assert temporary_memory("invert", 8) <= 1.05 * temporary_memory("invert", 2)


def test_storing_takes_memory_for_every_step():
    assert temporary_memory("store", 8) > 1.5 * temporary_memory("store", 2)


def test_recomputing_takes_less_than_storing_and_more_than_inverting():
    invert, remat, store = (temporary_memory(mode, 8) for mode in ("invert", "remat", "store"))
    assert 1.2 * invert < remat < store / 1.2
