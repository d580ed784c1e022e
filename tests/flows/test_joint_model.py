from dataclasses import replace
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from fullglow_jax.flows.architecture import FullGlowArchitecture
from fullglow_jax.flows.likelihood import dequantise
from fullglow_jax.flows.model import JointFlowModel
from fullglow_jax.flows.step_tables import full_glow
from fullglow_jax.models.batch import Batch
from tests.flows.test_full_glow import identity_model, random_model
from tests.layers.variables import perturbed, quick_jit, quick_key

ARCHITECTURE = FullGlowArchitecture((10, 12), (2,), coupling_width=6, spatial_width=4)
WITH_BOUNDARY = FullGlowArchitecture(
    (10, 12), (1,), boundary_maps="smooth", coupling_width=6, spatial_width=4
)


def flow(architecture=ARCHITECTURE, source_weight=1e-4, bits=8):
    return JointFlowModel(
        full_glow(architecture),
        bits=bits,
        source_weight=source_weight,
        optimizer=optax.adam(1e-3),
    )


def pairs(batch=2, architecture=ARCHITECTURE):
    rng = np.random.default_rng(0)

    def draw(*shape):
        return rng.integers(0, 256, (batch, *shape), np.uint8)

    image = (*architecture.image_size, 3)
    sizes = architecture.level_sizes if architecture.boundary else ()
    return Batch(draw(*image), draw(*image), tuple(draw(*size, 3) for size in sizes))


def examples(batch, *indices):
    return jax.tree.map(lambda leaf: leaf[list(indices)], batch)


def keys(seed, count):
    return jax.random.split(jax.random.key(seed), count)


@cache
def started():
    return jax.device_get(quick_jit(flow().init)(quick_key(), pairs()))


@cache
def random_variables():
    return perturbed(started().variables, 0)


@quick_jit
def train_step(state, batch, key, source_weight):
    return flow(source_weight=source_weight).train_step(state, batch, key)


def first_gradient(state):
    """Of which Adam's mean is a tenth after one step."""
    return jax.device_get(jax.tree.map(lambda leaf: leaf * 10, state.optimizer[0].mu))


@quick_jit
def sample(variables, batch, keys, temperature):
    model = flow()
    return model.sample(variables, model.read_conditions(variables, batch), keys, temperature)


@cache
def transparent():
    """Variables under which the latents of one level are the pixels, or σ(2)² of them."""
    return identity_model(ARCHITECTURE)


@partial(quick_jit, static_argnums=0)
def bits_of(bits, variables, batch, keys):
    return flow(bits=bits).bits_per_dim(variables, batch, keys)


# --- Likelihood -----------------------------------------------------------------------------------


def test_bits_are_those_of_the_encodings():
    batch, noise_keys = pairs(2), keys(0, 2)
    bits = bits_of(8, random_variables(), batch, noise_keys)
    shares = ("prior", "log_det", "level_1")
    assert bits.keys() == {
        "source",
        "conditional",
        *(f"{name}/{share}" for name in ("source", "conditional") for share in shares),
    }
    each = jnp.moveaxis(jax.vmap(jax.random.split)(noise_keys), 1, 0)
    with_noise = quick_jit(jax.vmap(partial(dequantise, bits=8)))
    noisy = tuple(
        with_noise(np.float32(pixels) / 255, key)
        for pixels, key in zip((batch.condition, batch.target), each, strict=True)
    )
    encodings = quick_jit(full_glow(ARCHITECTURE).apply)(random_variables(), noisy)
    per_bit = 10 * 12 * 3 * np.log(2)
    for name, encoding in zip(("source", "conditional"), encodings, strict=True):
        log_prior, log_det = (np.asarray(x)[:, 0] for x in (encoding.log_prior, encoding.log_det))
        for share, of_both in (("prior", log_prior), ("log_det", log_det)):
            np.testing.assert_allclose(bits[f"{name}/{share}"], -of_both / per_bit, rtol=1e-4)
        whole = -(log_prior + log_det) / per_bit
        np.testing.assert_allclose(bits[f"{name}/level_1"], whole, rtol=1e-4)
        np.testing.assert_allclose(bits[name], 8 + whole, rtol=1e-5)


def squared_noise(batch, noise_keys):
    """Mean square of the noise of black images of one bit, (2, B): sources', targets'."""
    bits = bits_of(1, transparent(), batch, noise_keys)
    nats = np.log(2) * np.array([bits["source/prior"], bits["conditional/prior"]])
    scale = 1 / (1 + np.exp(-2.0)) ** 2  # of every second channel: two steps
    return 4 * 2 * (nats - 0.5 * np.log(2 * np.pi)) * 2 / (1 + scale**2)


def test_every_image_has_uniform_noise_of_its_own():
    black = jax.tree.map(np.zeros_like, pairs(3))
    squares = squared_noise(black, keys(0, 3))
    assert len(np.unique(squares)) == 6
    np.testing.assert_allclose(squares, 1 / 3, rtol=0.15)
    turned = squared_noise(examples(black, 2, 0, 0), keys(0, 3)[jnp.array([2, 0, 1])])
    np.testing.assert_array_equal(turned[:, :2], squares[:, [2, 0]])
    assert (turned[:, 2] != turned[:, 1]).all()


def test_of_fewer_bits_both_images_are_quantised():
    batch = pairs(2)
    coarse = jax.tree.map(lambda pixels: pixels // 8 * 8, batch)
    floats = jax.tree.map(lambda pixels: np.float32(pixels) / 255, batch)
    expected = bits_of(5, random_variables(), batch, keys(0, 2))
    for other in (coarse, floats):
        jax.tree.map(
            np.testing.assert_array_equal,
            bits_of(5, random_variables(), other, keys(0, 2)),
            expected,
        )
    eight = bits_of(8, random_variables(), batch, keys(0, 2))
    assert (eight["source"] != bits_of(8, random_variables(), coarse, keys(0, 2))["source"]).all()


def test_boundary_maps_are_read_as_they_are():
    model, batch = flow(WITH_BOUNDARY, bits=1), pairs(2, WITH_BOUNDARY)
    variables = random_model(WITH_BOUNDARY, np.float32)
    bits = quick_jit(model.bits_per_dim)
    expected = bits(variables, batch, keys(0, 2))
    floats = tuple(level / np.float32(255) for level in batch.boundary)
    same = bits(variables, replace(batch, boundary=floats), keys(0, 2))
    for name, values in expected.items():  # up to a rounding in the division
        np.testing.assert_allclose(same[name], values, rtol=1e-5, atol=1e-6, err_msg=name)
    lighter = tuple(level // 2 for level in batch.boundary)
    changed = bits(variables, replace(batch, boundary=lighter), keys(0, 2))
    assert (changed["conditional"] != expected["conditional"]).all()
    np.testing.assert_array_equal(changed["source"], expected["source"])


# --- Training -------------------------------------------------------------------------------------


def test_a_state_starts_at_step_zero_with_a_normalised_first_actnorm():
    state = started()
    assert state.step == 0
    x = pairs().condition / 255 + 0.5 / 256
    squeezed = x.reshape(2, 5, 2, 6, 2, 3).transpose(0, 1, 3, 5, 2, 4).reshape(-1, 12)
    actnorm = state.variables["params"]["levels_0"]["steps"]["source"]["actnorm"]
    np.testing.assert_allclose(actnorm["shift"][0], -squeezed.mean(0), atol=1e-3)
    np.testing.assert_allclose(actnorm["scale"][0], 1 / squeezed.std(0, ddof=1), rtol=1e-2)
    assert all(not leaf.any() for leaf in jax.tree.leaves(state.optimizer[0].mu))


def test_training_lowers_the_objective_and_leaves_the_constants():
    state, batch = started(), pairs()
    history = []
    for _ in range(20):
        state, report = train_step(state, batch, jax.random.key(1), 1.0)
        assert report.finite.all()
        assert report.finite.shape == (2,)
        history.append({name: float(value) for name, value in report.scalars.items()})
    assert state.step == 20
    assert {"bits_per_dim/conditional", "bits_per_dim/source", "gradient_norm"} < history[0].keys()
    for name in ("bits_per_dim/conditional", "bits_per_dim/source"):
        assert history[-1][name] < history[0][name] - 0.1
    before, after = started().variables, state.variables
    jax.tree.map(np.testing.assert_array_equal, before["constants"], after["constants"])


def test_the_objective_is_the_weighted_sum_of_both():
    state, batch, key = started().replace(variables=random_variables()), pairs(), jax.random.key(1)

    (none, _), (half, scalars), (one, _) = (
        (first_gradient(after), report.scalars)
        for after, report in (train_step(state, batch, key, weight) for weight in (0.0, 0.5, 1.0))
    )
    leaves = [jax.tree.leaves(tree) for tree in (none, half, one)]
    for without, between, whole in zip(*leaves, strict=True):
        scale = max(np.abs(without).max(), np.abs(whole).max(), 1e-3)
        np.testing.assert_allclose(between, (without + whole) / 2, atol=1e-3 * scale)
    level = none["levels_0"]
    assert not any(leaf.any() for leaf in jax.tree.leaves(level["source_prior"]))
    assert all(leaf.any() for leaf in jax.tree.leaves(one["levels_0"]["source_prior"]))
    # Without the source's own term, what is left is what the target teaches it.
    assert all(leaf.any() for leaf in jax.tree.leaves(level["steps"]["source"]))
    norm = np.sqrt(sum((leaf.astype(np.float64) ** 2).sum() for leaf in leaves[1]))
    np.testing.assert_allclose(scalars["gradient_norm"], norm, rtol=1e-4)


def test_noise_is_new_at_every_step_and_the_same_for_a_step():
    state, batch, key = started(), pairs(), jax.random.key(1)
    name = "bits_per_dim/conditional"
    first, again, later = (
        train_step(state.replace(step=np.int32(step)), batch, key, 1.0)[1].scalars[name]
        for step in (0, 0, 1)
    )
    assert first == again
    assert first != later


# --- Sampling -------------------------------------------------------------------------------------


def test_without_temperature_samples_are_one_image():
    variables, batch = random_variables(), pairs()
    cold = sample(variables, batch, keys(0, 6), 0.0)
    np.testing.assert_array_equal(cold, sample(variables, batch, keys(1, 6), 0.0))
    np.testing.assert_array_equal(cold[0], cold[1])
    assert np.abs(cold[0] - cold[3]).max() > 1e-4  # the condition counts
    assert np.abs(cold - sample(variables, batch, keys(0, 6), 1.0)).max() > 0.01


def test_many_of_a_condition_are_those_drawn_one_by_one():
    variables, batch, of_noise = random_variables(), pairs(), keys(0, 6)
    together = sample(variables, batch, of_noise, 0.7)
    assert together.shape == (6, 10, 12, 3)
    for i in range(6):
        alone = sample(variables, examples(batch, i // 3), of_noise[i : i + 1], 0.7)
        np.testing.assert_allclose(alone[0], together[i], atol=1e-4)
        others = np.delete(together, i, axis=0)
        assert (np.abs(others - alone).max(axis=(1, 2, 3)) > 0.01).all()


def test_targets_are_not_read():
    variables, batch = random_variables(), pairs()
    other = Batch(batch.condition, np.zeros_like(batch.target))
    images = (sample(variables, each, keys(0, 6), 0.7) for each in (batch, other))
    np.testing.assert_array_equal(*images)


@pytest.mark.parametrize("temperature", [0.2, 0.1])
def test_noise_is_normal_times_the_temperature_and_images_are_clipped(temperature):
    images = np.asarray(sample(transparent(), pairs(), keys(0, 6), temperature))
    assert images.min() == 0
    # Half of the noise is below black; of every second channel, decoding divides by σ(2)².
    np.testing.assert_allclose((images > 0).mean((1, 2, 3)), 0.5, atol=0.1)
    scale = 1 / (1 + np.exp(-2.0)) ** 2
    expected = temperature * np.sqrt((1 + scale**-2) / 2)
    spread = np.sqrt((images**2).mean((1, 2, 3)) * 2)
    np.testing.assert_allclose(spread, expected, rtol=0.2)
    assert np.abs(np.corrcoef(images.reshape(6, -1)) - np.eye(6)).max() < 0.2
