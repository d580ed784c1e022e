from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fullglow_jax.models.batch import Batch
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.sampling.sampler import Sampler


class Marks:
    """Stands in for a model: an image's pixels tell what it was drawn from."""

    def __init__(self):
        self.shapes = set()

    def read_conditions(self, variables, batch):
        return batch.condition[:, 0, 0, 0]

    def sample(self, variables, conditions, keys, temperature):
        self.shapes.add((len(conditions), len(keys)))
        each = len(keys) // len(conditions)
        conditions = jnp.repeat(conditions, each).astype(jnp.float32)
        noise = jax.vmap(jax.random.normal)(keys)
        marks = jnp.stack([conditions, noise, jnp.full_like(noise, temperature)], axis=-1)
        return jnp.broadcast_to(marks[:, None, None, :], (len(keys), 2, 2, 3))


def conditions(count):
    pictures = np.arange(count, dtype=np.uint8)[:, None, None, None] * np.ones((2, 2, 3), np.uint8)
    return Batch(pictures, np.zeros_like(pictures))


def draw(places, count, batch_size, seed=0, temperature=0.5, first=0):
    model = Marks()
    sampler = Sampler(model, Devices(), batch_size)
    drawn = sampler({}, conditions(places), count, temperature, jax.random.key(seed), first)
    return [((place, number), image[0, 0]) for place, number, image in drawn], model.shapes


@pytest.mark.parametrize(
    ("places", "count", "batch_size"),
    [(1, 1, 1), (1, 1, 8), (3, 2, 8), (5, 3, 7), (4, 5, 2), (2, 7, 3), (7, 1, 3), (3, 4, 4)],
)
def test_every_place_and_number_once(places, count, batch_size):
    drawn, shapes = draw(places, count, batch_size)
    assert sorted(which for which, _ in drawn) == list(product(range(places), range(count)))
    for (place, _), mark in drawn:
        assert mark[0] == place
        assert mark[2] == 0.5
    # One program, of no more images than asked for.
    assert len(shapes) == 1
    assert max(images for _, images in shapes) <= max(batch_size, 1)


def test_noise_is_an_images_own_whatever_the_batch():
    noise = {which: mark[1] for which, mark in draw(5, 3, 100)[0]}
    assert len(set(map(float, noise.values()))) == 15
    for batch_size in (1, 2, 4, 7):
        again = {which: mark[1] for which, mark in draw(5, 3, batch_size)[0]}
        assert again == noise
    # Nor does it depend on how many there are, or on the temperature.
    fewer = {which: mark[1] for which, mark in draw(2, 2, 3, temperature=1.0)[0]}
    assert fewer.items() <= noise.items()


def test_a_part_of_the_conditions_gets_the_noise_of_its_places():
    whole = {which: mark[1] for which, mark in draw(5, 2, 4)[0]}
    part = {which: mark[1] for which, mark in draw(2, 2, 4, first=3)[0]}
    assert part == {which: mark for which, mark in whole.items() if which[0] >= 3}


def test_other_seed_other_noise():
    one, other = ({float(mark[1]) for _, mark in draw(2, 3, 4, seed)[0]} for seed in (0, 1))
    assert one.isdisjoint(other)
