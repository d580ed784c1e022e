from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from fullglow_jax.models import Architecture, ConditionalFlow
from fullglow_jax.models.full_glow import Encoding, FullGlow
from fullglow_jax.models.interface import Batch
from tests.networks.variables import perturbed, quick_jit, quick_key

ARCHITECTURE = Architecture((10, 12), (2,), coupling_width=6, spatial_width=4)
WITH_BOUNDARY = Architecture((20, 24), (1, 1), condition="source+boundary")


def flow(architecture=ARCHITECTURE, source_weight=1e-4, bits=8):
    return ConditionalFlow(
        architecture, bits=bits, source_weight=source_weight, optimizer=optax.adam(1e-3)
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


@pytest.fixture
def asked(monkeypatch):
    """What the model asks of its network, which answers with sources of a uniform density."""
    calls = []

    def apply(network, variables, *args, method=FullGlow.encode):
        calls.append((method.__name__, *args))
        if method is FullGlow.encode:
            times = jnp.arange(1, 1 + len(args[0]))[:, None]
            levels = times * jnp.array([1.0, 2.0]), times * jnp.array([3.0, 4.0])
            return Encoding((), 0 * levels[0], 0 * levels[1]), Encoding((), *levels)
        if method is FullGlow.read_condition:
            return (jnp.arange(len(args[0]))[None],)  # one step's parameters: the example's number
        return jnp.linspace(-1.0, 2.0, 4) * jnp.ones((len(args[0][0]), 4))

    monkeypatch.setattr(FullGlow, "apply", apply)
    return calls


# --- Likelihood -----------------------------------------------------------------------------------


def test_bits_are_those_of_the_encodings(asked):
    bits = flow().bits_per_dim({}, pairs(3), keys(0, 3))
    shares = ("prior", "log_det", "level_1", "level_2")
    assert bits.keys() == {
        "source",
        "conditional",
        *(f"{name}/{share}" for name in ("source", "conditional") for share in shares),
    }
    np.testing.assert_allclose(bits["source"], [8, 8, 8])
    # −(1 + 2 + 3 + 4) / (D·ln 2) for the first example, twice and three times that for the others
    bits_less = 10 / (10 * 12 * 3 * np.log(2)) * np.arange(1, 4)
    np.testing.assert_allclose(bits["conditional"], 8 - bits_less, rtol=1e-6)
    tenths = {"prior": 3, "log_det": 7, "level_1": 4, "level_2": 6}
    for share, of_ten in tenths.items():
        expected = -bits_less * of_ten / 10
        np.testing.assert_allclose(bits[f"conditional/{share}"], expected, rtol=1e-5)


def test_every_image_has_noise_of_its_own_and_boundaries_have_none(asked):
    batch = pairs(2, WITH_BOUNDARY)
    flow(WITH_BOUNDARY).bits_per_dim({}, batch, keys(0, 2))
    _, source, target, boundary = asked[0]
    noises = []
    for noisy, pixels in ((source, batch.condition), (target, batch.target)):
        noise = (np.asarray(noisy) - pixels / np.float32(255)) * 256
        assert noise.min() > -1e-4
        assert 0.99 < noise.max() < 1 + 1e-4
        noises += list(noise)
    correlation = np.corrcoef([noise.ravel() for noise in noises])
    assert np.abs(correlation - np.eye(4)).max() < 0.15
    for maps, pixels in zip(boundary, batch.boundary, strict=True):
        np.testing.assert_allclose(maps, pixels / 255, rtol=1e-6)


def test_noise_depends_on_an_examples_key_alone(asked):
    batch, of_noise = pairs(3), keys(0, 3)
    flow().bits_per_dim({}, batch, of_noise)
    flow().bits_per_dim({}, examples(batch, 2, 0, 0), of_noise[jnp.array([2, 0, 1])])
    (_, *before, _), (_, *after, _) = asked
    for images, turned in zip(before, after, strict=True):
        np.testing.assert_array_equal(turned[:2], images[jnp.array([2, 0])])
        assert (turned[2] != turned[1]).mean() > 0.9


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


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_noise_is_normal_times_the_temperature(asked, temperature):
    batch = pairs(2, WITH_BOUNDARY)
    model = flow(WITH_BOUNDARY)
    images = model.sample({}, model.read_conditions({}, batch), keys(0, 6), temperature)
    (read, condition, boundary), (decode, noise, parameters, from_noise) = asked
    assert (read, decode, from_noise) == ("read_condition", "decode", True)
    np.testing.assert_allclose(condition, batch.condition / 255, rtol=1e-6)
    np.testing.assert_allclose(boundary[1], batch.boundary[1] / 255, rtol=1e-6)
    np.testing.assert_array_equal(parameters[0], [[0, 1]])  # each serves three in a row
    np.testing.assert_allclose(images[5], [0, 0, 1, 1], atol=1e-6)  # clipped
    assert [level.shape[1:] for level in noise] == list(WITH_BOUNDARY.latent_shapes)
    for level in map(np.asarray, noise):
        np.testing.assert_allclose(level.mean(), 0, atol=0.05 * temperature)
        np.testing.assert_allclose(level.std((1, 2, 3)), temperature, rtol=0.1)
        assert np.abs(np.corrcoef(level.reshape(6, -1)) - np.eye(6)).max() < 0.2
