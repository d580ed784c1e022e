"""The cycle term of a C-Flow's objective."""

from functools import partial

import jax
import numpy as np
import optax

from fullglow_jax.config import default_config
from fullglow_jax.flows.architecture import CFlowArchitecture
from fullglow_jax.flows.cycle_model import CycleFlowModel
from fullglow_jax.flows.model import JointFlowModel
from fullglow_jax.flows.step_tables import c_flow
from fullglow_jax.model_registry import build_model
from fullglow_jax.models.batch import Batch
from tests.layers.variables import perturbed, quick_jit, quick_key

FLOW = c_flow(CFlowArchitecture((4, 6), (1,), coupling_width=4, channels=1, tile=0))
NUMBERS = {"bits": 8, "source_weight": 1.0, "optimizer": optax.sgd(1.0)}


def test_the_term_is_the_difference_to_the_target_at_temperature_0():
    model = CycleFlowModel(FLOW, cycle_weight=3.0, **NUMBERS)
    batch = Batch(*np.random.default_rng(0).integers(0, 256, (2, 2, 4, 6, 1), np.uint8))
    state = quick_jit(model.init)(quick_key(), batch)
    params = perturbed(jax.device_get(state.variables), 0)["params"]
    constants = {name: tree for name, tree in state.variables.items() if name != "params"}
    keys = jax.random.split(jax.random.key(0), 2)

    @quick_jit
    def run(params):
        """The two objectives, the logged term, and the image that is compared."""
        loss, values = model._objective(params, constants, batch, keys)
        without, _ = JointFlowModel(FLOW, **NUMBERS)._objective(params, constants, batch, keys)
        variables = {**constants, "params": params}
        conditions = model.read_conditions(variables, batch)
        noise = tuple(np.zeros((2, *shape), np.float32) for shape in model.shapes.latent_shapes)
        decoded = model.network.apply(variables, noise, conditions, True, method="decode")
        return loss, without, values["cycle"], decoded

    loss, without, logged, decoded = jax.device_get(run(params))
    expected = np.abs(decoded - batch.target / 255).mean((1, 2, 3))
    np.testing.assert_allclose(logged, expected, rtol=1e-5)
    np.testing.assert_allclose(loss, without + 3.0 * expected, rtol=1e-5)
    assert expected.min() > 0.01


def test_without_a_weight_there_is_no_term():
    config = default_config("c_flow")
    assert type(build_model(config, optax.constant_schedule(1.0))) is JointFlowModel
    config.model.cycle_weight = 0.5
    assert build_model(config, optax.constant_schedule(1.0)).cycle_weight == 0.5


def test_remat_keeps_little_of_what_the_term_computes():
    batch = Batch(*np.random.default_rng(0).integers(0, 256, (2, 1, 16, 16, 3), np.uint8))
    gradients, memory, keys = {}, {}, jax.random.split(jax.random.key(0), 1)
    for mode in ("store", "remat"):
        architecture = CFlowArchitecture((16, 16), (8,), coupling_width=8, memory_mode=mode)
        model = CycleFlowModel(c_flow(architecture), cycle_weight=3.0, **NUMBERS)
        if not gradients:
            state = quick_jit(model.init)(quick_key(), batch)
            constants = perturbed(jax.device_get(state.variables), 0, size=0.02)
            params = constants.pop("params")

        def loss(params, constants, model=model):
            return model._objective(params, constants, batch, keys)[0].sum()

        compiled = quick_jit(jax.grad(loss)).lower(params, constants).compile()
        memory[mode] = compiled.memory_analysis().temp_size_in_bytes
        gradients[mode] = compiled(params, constants)
    assert memory["remat"] < 0.7 * memory["store"]
    close = partial(np.testing.assert_allclose, rtol=1e-3, atol=1e-4)
    jax.tree.map(close, gradients["remat"], gradients["store"])
