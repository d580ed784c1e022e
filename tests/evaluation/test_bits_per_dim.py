import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fullglow_jax.data.pipeline import evaluation_batches
from fullglow_jax.evaluation.bits_per_dim import BitsPerDim
from fullglow_jax.evaluation.command import _summary
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


def score(count, batch_size, limit=None, seed=0, told=lambda done: None):
    batches = evaluation_batches(Greys(count), batch_size=batch_size, threads=0, limit=limit)
    bits = BitsPerDim(Marks(), Devices())
    return bits(jnp.float32(2), batches, jax.random.key(seed), told=told)


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
    summary = _summary(np.array([1, 2, 6], np.float32))
    assert summary == pytest.approx({"mean": 3.0, "standard_error": (7 / 3) ** 0.5})
    assert _summary(np.array([4], np.float32)) == {"mean": 4.0, "standard_error": None}
