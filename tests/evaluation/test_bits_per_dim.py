import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fullglow_jax.data.pipeline import evaluation_batches
from fullglow_jax.evaluation.bits_per_dim import BitsPerDim, importance_weighted
from fullglow_jax.evaluation.command import summary as summary_of
from fullglow_jax.parallel.devices import Devices


class Marks:
    """Stands in for a model: "conditional" is the target's grey, "noise" is the example's own."""

    def bits_per_dim(self, variables, batch, keys):
        grey = batch.target[:, 0, 0, 0].astype(jnp.float32)
        return {"conditional": grey * variables, "noise": jax.vmap(jax.random.normal)(keys)}


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
    bits = BitsPerDim(Marks(), Devices())
    return bits(jnp.float32(2), batches, jax.random.key(seed), draws, told=told)


def score(*args, **kwargs):
    """Of a single draw."""
    return {name: values[0] for name, values in scores(*args, **kwargs).items()}


@pytest.mark.parametrize("batch_size", [1, 2, 3, 5, 8])
def test_each_example_once_in_order(batch_size):
    done = []
    bits = score(5, batch_size, told=done.append)
    np.testing.assert_array_equal(bits["conditional"], [2, 4, 6, 8, 10])
    assert len(bits["noise"]) == len(set(bits["noise"].tolist())) == 5
    assert done == [min(n, 5) for n in range(batch_size, 5 + batch_size, batch_size)]


def test_noise_is_an_examples_own_whatever_the_batch():
    noise = score(5, 1)["noise"]
    for batch_size in (2, 3, 5):
        np.testing.assert_array_equal(score(5, batch_size)["noise"], noise)
    np.testing.assert_array_equal(score(5, 2, limit=3)["noise"], noise[:3])
    assert set(noise.tolist()).isdisjoint(score(5, 2, seed=1)["noise"].tolist())


def test_limit():
    np.testing.assert_array_equal(score(5, 2, limit=3)["conditional"], [2, 4, 6])


def test_mean_and_its_standard_error():
    summary = summary_of(np.array([1, 2, 6], np.float32))
    assert summary == pytest.approx({"mean": 3.0, "standard_error": (7 / 3) ** 0.5})
    assert summary_of(np.array([4], np.float32)) == {"mean": 4.0, "standard_error": None}


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
