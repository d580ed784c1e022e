"""CONTRIBUTING.md's worked examples do what it says of them."""

import re
from pathlib import Path

import jax
import numpy as np
import optax
import pytest

from fullglow_jax.flows.architecture import FullGlowArchitecture
from fullglow_jax.flows.model import JointFlowModel
from fullglow_jax.models.batch import Batch
from tests.flows.test_memory_modes import difference, split
from tests.layers.variables import perturbed, quick_jit, quick_key

TEXT = (Path(__file__).resolve().parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")


def example(name):
    """What the code block defines in which something is called so."""
    (code,) = (block for block in re.findall(r"```python\n(.*?)```", TEXT, re.S) if name in block)
    defined = {"__name__": "contributing"}
    exec(code, defined)
    return defined[name]


def test_a_new_bijection():
    leaky = example("LeakyReLU")(0.5)
    x = np.random.default_rng(0).standard_normal((2, 4, 6, 4), np.float32)
    y, log_det = leaky.apply({}, x, method="forward")
    np.testing.assert_array_equal(y, np.maximum(x, x / 2))
    np.testing.assert_allclose(log_det, np.log(0.5) * (x < 0).sum((1, 2, 3)), rtol=1e-6)
    np.testing.assert_array_equal(leaky.apply({}, y, method="inverse"), x)


def model(mode):
    widths = {"coupling_width": 6, "spatial_width": 4, "channels": 1}
    architecture = FullGlowArchitecture((10, 12), (2,), memory_mode=mode, tile=0, **widths)
    flow = example("between")(architecture)
    return JointFlowModel(flow, bits=8, source_weight=0.5, optimizer=optax.sgd(0.1))


@pytest.fixture(scope="module")
def batch():
    return Batch(*np.random.default_rng(0).integers(0, 256, (2, 2, 10, 12, 1), np.uint8))


@pytest.fixture(scope="module")
def variables(batch):
    started = quick_jit(model("store").init)(quick_key(), batch).variables
    return perturbed(jax.device_get(started), 0)


def test_a_new_flow_of_known_parts(batch, variables):
    flow = model("store")

    @quick_jit
    def there_and_back(variables):
        conditions = flow.read_conditions(variables, batch)
        return flow.decode(variables, conditions, flow.encode(variables, batch).latents)

    np.testing.assert_allclose(there_and_back(variables), batch.target / 255, atol=1e-4)
    target = variables["params"]["levels_0"]["steps"]["target"]
    assert target["actnorm"].keys() == {"scale", "shift"}
    assert target["coupling"].keys() == {"net", "spatial_net"}
    priors = variables["params"]["levels_0"]
    assert priors["source_prior"].keys() == {"net"}
    assert priors["target_prior"].keys() == {"net", "source_shift"}


def test_it_has_every_memory_mode(batch, variables):
    params, constants = split(variables)
    keys = jax.random.split(jax.random.key(0), 2)

    def gradient(mode):
        def loss(params):
            bits = model(mode).bits_per_dim({**constants, "params": params}, batch, keys)
            return bits["conditional"].mean() + bits["source"].mean()

        return jax.device_get(quick_jit(jax.grad(loss))(params))

    assert difference(gradient("invert"), gradient("store")) < 1e-3
