"""C-Glow as a model: its noise, its two starts, what it computes once, and what it refuses."""

from dataclasses import replace
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from fullglow_jax.config import default_config
from fullglow_jax.errors import UserError
from fullglow_jax.flows.architecture import CGlowArchitecture
from fullglow_jax.flows.likelihood import dequantise
from fullglow_jax.flows.model import ConditionalFlowModel
from fullglow_jax.flows.step_tables import c_glow, whole_condition
from fullglow_jax.model_registry import build_architecture
from fullglow_jax.models.batch import Batch
from fullglow_jax.models.interface import ConditionModel, InvertibleModel
from tests.layers.variables import perturbed, quick_jit, quick_key

ARCHITECTURE = CGlowArchitecture(
    (8, 16), (1, 1), coupling_width=6, vector_channels=8, vector_width=8, channels=1, tile=0
)


@cache
def model(start="live"):
    flow = c_glow(replace(ARCHITECTURE, start=start))
    return ConditionalFlowModel(flow, bits=8, optimizer=optax.adam(1e-3))


def pairs():
    return Batch(*np.random.default_rng(0).integers(0, 256, (2, 2, 8, 16, 1), np.uint8))


def keys(count):
    return jax.random.split(jax.random.key(0), count)


@cache
def started(start):
    return jax.device_get(quick_jit(model(start).init)(quick_key(), pairs()))


@cache
def variables():
    return perturbed(started("live").variables, 0)


@pytest.mark.parametrize("start", ["published", "live"])
def test_networks_learn_from_a_live_start_and_not_as_published(start):
    state = started(start)
    for i in range(2):  # at first, the output's weights are zero, and nothing passes them
        state, _ = quick_train(start)(state, pairs(), jax.random.key(i))
    for operation in ("actnorm", "convolution"):
        net = state.variables["params"]["levels_0"]["steps"][operation]["vector_net"]
        before = started(start).variables["params"]["levels_0"]["steps"][operation]["vector_net"]
        moved = jax.tree.map(lambda after, first: bool((after != first).any()), net, before)
        assert moved["output"]["bias"]
        hidden = [
            moved[layer][part] for layer in moved if layer != "output" for part in net["output"]
        ]
        assert set(hidden) == {start == "live"}
        assert moved["output"]["kernel"] == (start == "live")


@cache
def quick_train(start):
    return quick_jit(model(start).train_step)


def test_both_images_have_noise_where_it_is_scored():
    batch, noise_keys = pairs(), keys(2)
    bits = quick_jit(model().bits_per_dim)(variables(), batch, noise_keys)
    each = jnp.moveaxis(jax.vmap(jax.random.split)(noise_keys), 1, 0)
    condition, target = (
        jax.vmap(partial(dequantise, bits=8))(np.float32(pixels) / 255, key)
        for pixels, key in zip((batch.condition, batch.target), each, strict=True)
    )
    maps = whole_condition(condition, ARCHITECTURE)
    (encoding,) = quick_jit(model().network.apply)(variables(), (target,), maps)
    nats = encoding.log_prior.sum(-1) + encoding.log_det.sum(-1)
    np.testing.assert_allclose(bits["conditional"], 8 - nats / (8 * 16 * np.log(2)), rtol=1e-5)
    assert model().headline == "conditional"


def test_a_condition_is_read_once_and_serves_several_images():
    flow, batch = model(), pairs()

    @quick_jit
    def run(variables, batch, noise_keys):
        conditions = flow.read_conditions(variables, batch)
        latents = flow.encode(variables, batch).latents
        samples = flow.sample(variables, conditions, noise_keys, jnp.float32(0.7))
        return conditions, flow.decode(variables, conditions, latents), samples

    conditions, again, samples = jax.device_get(run(variables(), batch, keys(6)))
    np.testing.assert_allclose(again, batch.target / 255, atol=1e-5)
    assert {leaf.shape[1] for leaf in jax.tree.leaves(conditions)} == {2}
    single = quick_jit(partial(one_sample, flow))
    expected = single(variables(), jax.tree.map(lambda leaf: leaf[1:], batch), keys(6)[4:5])
    np.testing.assert_allclose(samples[4:5], expected, atol=1e-5)
    assert np.abs(samples[4] - samples[3]).max() > 0.01


def one_sample(flow, variables, batch, noise_keys):
    conditions = flow.read_conditions(variables, batch)
    return flow.sample(variables, conditions, noise_keys, jnp.float32(0.7))


def test_it_has_latents_and_draws_no_conditions():
    assert isinstance(model(), InvertibleModel)
    assert model().reads_conditions
    assert not isinstance(model(), ConditionModel)


@pytest.mark.parametrize(
    ("size", "steps", "message"),
    [
        ((20, 32), (1, 1), r"multiples of 8 .* networks can halve it 3 times.* 16×32 or 24×32"),
        ((24, 32), (1,) * 4, r"multiples of 16 .* smallest level has 1 pixel.*use 3 levels"),
    ],
)
def test_sizes_that_do_not_fit_are_refused_by_the_nearest_that_do(size, steps, message):
    with pytest.raises(UserError, match=message):
        CGlowArchitecture(size, steps)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("data.boundary", "smooth", r"boundary='smooth' means nothing to a c_glow"),
        ("data.name", "images", r"a c_glow needs a condition for each"),
    ],
)
def test_data_that_it_cannot_read_is_refused(key, value, message):
    config = default_config("c_glow")
    config.update_from_flattened_dict({key: value})
    with pytest.raises(UserError, match=message):
        build_architecture(config)
