import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from fullglow_jax.data.pipeline import evaluation_batches
from fullglow_jax.evaluation.bits_per_dim import importance_weighted
from fullglow_jax.evaluation.example_scores import ExampleScores
from fullglow_jax.evaluation.summary import over_examples
from fullglow_jax.flows.architecture import FullGlowArchitecture
from fullglow_jax.flows.model import JointFlowModel
from fullglow_jax.flows.step_tables import full_glow
from fullglow_jax.models.batch import Batch
from fullglow_jax.parallel.devices import Devices
from tests.flows.test_full_glow import random_model
from tests.layers.variables import quick_jit


def marks(variables, batch, keys):
    """Stands in for a model's scores: the target's grey, and noise that is the example's own."""
    grey = batch.target[:, 0, 0, 0].astype(jnp.float32)
    return {"grey": grey * variables, "noise": jax.vmap(jax.random.normal)(keys)}


class Greys:
    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        picture = np.full((2, 2, 3), index + 1, np.uint8)
        return {"condition": picture, "target": picture, "name": str(index)}


def scores(count, batch_size, limit=None, seed=0, draws=1, told=lambda done: None):
    batches = evaluation_batches(Greys(count), batch_size=batch_size, threads=0, limit=limit)
    found = ExampleScores(marks, Devices())
    return found(jnp.float32(2), batches, jax.random.key(seed), draws, told=told)


def score(*args, **kwargs):
    """Of a single draw."""
    return {name: values[0] for name, values in scores(*args, **kwargs).items()}


@pytest.mark.parametrize("batch_size", [1, 2, 3, 5, 8])
def test_each_example_once_in_order(batch_size):
    done = []
    bits = score(5, batch_size, told=done.append)
    np.testing.assert_array_equal(bits["grey"], [2, 4, 6, 8, 10])
    assert len(bits["noise"]) == len(set(bits["noise"].tolist())) == 5
    assert done == [min(n, 5) for n in range(batch_size, 5 + batch_size, batch_size)]


def test_noise_is_an_examples_own_whatever_the_batch():
    noise = score(5, 1)["noise"]
    for batch_size in (2, 3, 5):
        np.testing.assert_array_equal(score(5, batch_size)["noise"], noise)
    np.testing.assert_array_equal(score(5, 2, limit=3)["noise"], noise[:3])
    assert set(noise.tolist()).isdisjoint(score(5, 2, seed=1)["noise"].tolist())


def test_limit():
    np.testing.assert_array_equal(score(5, 2, limit=3)["grey"], [2, 4, 6])


def test_mean_and_its_standard_error():
    summary = over_examples(np.array([1, 2, 6], np.float32))
    assert summary == pytest.approx({"mean": 3.0, "standard_error": (7 / 3) ** 0.5})
    assert over_examples(np.array([4], np.float32)) == {"mean": 4.0, "standard_error": None}
    for bad in (np.nan, np.inf, None):
        assert over_examples([1.0, bad]) == {"mean": None, "standard_error": None}


def test_draws_differ_and_the_first_stays():
    one, several = scores(5, 2)["noise"], scores(5, 3, draws=4)["noise"]
    assert several.shape == (4, 5)
    np.testing.assert_array_equal(several[:1], one)
    assert len(set(several.ravel().tolist())) == 20


def test_importance_weighted_bound():
    rng = np.random.default_rng(0)
    dimensions = 12
    bits = rng.normal(3, 0.1, (4, 5)).astype(np.float32)
    likelihoods = 2.0 ** (-dimensions * bits.astype(np.float64))
    expected = -np.log2(likelihoods.mean(0)) / dimensions
    np.testing.assert_allclose(importance_weighted(bits, dimensions), expected, rtol=1e-9)
    assert (importance_weighted(bits, dimensions) < bits.mean(0)).all()
    np.testing.assert_allclose(importance_weighted(bits[:1], dimensions), bits[0], rtol=1e-9)
    # Likelihoods of real images are far below what a float can be.
    large = importance_weighted(bits, 10**6)
    np.testing.assert_allclose(large, bits.min(0), atol=1e-4)


def test_the_mean_over_draws_is_that_of_a_recomputation_in_float64():
    """With the same noise; 64-bit variables and activations, and the bits by hand."""
    draws, count, bits = 3, 4, 5
    architecture = FullGlowArchitecture((10, 12), (2,), coupling_width=8, spatial_width=8)
    model = JointFlowModel(
        full_glow(architecture), bits=bits, source_weight=1.0, optimizer=optax.sgd(0.0)
    )
    rng = np.random.default_rng(0)
    pairs = rng.integers(0, 256, (2, count, 10, 12, 3), np.uint8)
    variables = random_model(architecture, np.float32)

    class Pairs(Greys):
        def __getitem__(self, index):
            return {"condition": pairs[0, index], "target": pairs[1, index], "name": str(index)}

    key = jax.random.key(7)
    batches = evaluation_batches(Pairs(count), batch_size=2, threads=0)
    found = ExampleScores(model.bits_per_dim, Devices())(variables, batches, key, draws)

    keys = [key, *(jax.random.fold_in(key, 2**32 - draw) for draw in range(1, draws))]
    add_noise = quick_jit(model._dequantised)
    expected = []
    for of_draw in keys:
        of_examples = jax.vmap(jax.random.fold_in, (None, 0))(of_draw, np.arange(count))
        noisy = jax.device_get(add_noise(Batch(*pairs), of_examples))
        with jax.enable_x64(True):
            double = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), (variables, noisy))
            encoded = jax.device_get(quick_jit(model.network.apply)(*double))
        for encoding in encoded:
            assert encoding.log_det.dtype == np.float64
        nats = [-(e.log_prior + e.log_det).sum(-1) / (10 * 12 * 3) for e in encoded]
        expected.append(np.array(nats) / np.log(2) + bits)
    for name, values in zip(("source", "conditional"), np.mean(expected, 0), strict=True):
        np.testing.assert_allclose(found[name].mean(0), values, atol=1e-4)
        assert np.ptp(found[name], axis=0).min() > 1e-3  # draws differ by far more
