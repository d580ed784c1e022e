"""Images drawn under conditions, each read once, in jitted batches of one shape."""

from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
from jax import Array

from fullglow_jax.models.interface import Batch, Model
from fullglow_jax.parallel.devices import Devices

PyTree = Any


class Sampler:
    """Draws images from a model.

    The noise of an image depends on the seed, on its condition's place and on its own number
    among that condition's samples: not on the batch, and not on the temperature, so that a sweep
    of temperatures shows the same scenes.

    Attributes:
        model: The model.
        devices: What images are drawn on.
        batch_size: Images drawn at once, about.
    """

    def __init__(self, model: Model, devices: Devices, batch_size: int) -> None:
        self.model = model
        self.devices = devices
        self.batch_size = batch_size
        place = jax.lax.with_sharding_constraint

        def read(variables: PyTree, batch: Batch) -> PyTree:
            variables = place(variables, devices.replicated)
            return model.read_conditions(variables, jax.tree.map(self._spread, batch))

        def sample(variables: PyTree, read: PyTree, keys: Array, temperature: Array) -> Array:
            variables = place(variables, devices.replicated)
            return model.sample(variables, read, self._spread(keys), temperature)

        self._read_conditions = jax.jit(read)
        # Every process gets the images of all.
        self._sample = jax.jit(sample, out_shardings=devices.replicated)

    def __call__(
        self,
        variables: PyTree,
        conditions: Batch,
        count: int,
        temperature: float,
        key: Array,
        first: int = 0,
    ) -> Iterator[tuple[int, int, np.ndarray]]:
        """(condition's place, sample's number, float image (H, W, C) in [0, 1]), one by one.

        Args:
            variables: The model's variables.
            conditions: All of them, on the host; targets are not read.
            count: Samples of each condition.
            temperature: Factor of the noise's deviation.
            key: The seed's key.
            first: The place of the first condition, where these are a part of more.
        """
        places = np.arange(len(conditions.condition))
        numbers = np.arange(count)
        for of_place in _chunks(places, self.conditions_at_once(count)):
            batch = jax.tree.map(lambda leaf, chosen=of_place: leaf[chosen], conditions)
            read = self._read_conditions(variables, batch)
            for of_number in _chunks(numbers, min(count, self.batch_size)):
                keys = _keys(key, first + of_place, of_number)
                images = self._sample(variables, read, keys, temperature)
                drawn = [(p, n) for p in of_place for n in of_number]
                seen = set()
                for (place, number), image in zip(drawn, np.asarray(images), strict=True):
                    if (place, number) not in seen:
                        seen.add((place, number))
                        yield first + int(place), int(number), image

    def _spread(self, x: Array) -> Array:
        """Over all devices, where that can be done evenly; whole on each where it cannot."""
        even = len(x) % self.devices.mesh.size == 0
        return jax.lax.with_sharding_constraint(
            x, self.devices.sharded if even else self.devices.replicated
        )

    def conditions_at_once(self, count: int) -> int:
        """About a batch's worth, and as many on each device where there is more than one each."""
        fitting, devices = max(1, self.batch_size // count), self.devices.mesh.size
        return fitting // devices * devices or fitting


def _keys(key: Array, places: np.ndarray, numbers: np.ndarray) -> Array:
    fold = jax.random.fold_in
    per_place = jax.vmap(fold, (None, 0))(key, places)
    keys = jax.vmap(jax.vmap(fold, (None, 0)), (0, None))(per_place, numbers)
    return keys.reshape(-1)


def _chunks(values: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """Runs of one length, the last filled up with its last value, so that shapes never change."""
    size = min(size, len(values))
    for start in range(0, len(values), size):
        chunk = values[start : start + size]
        yield np.pad(chunk, (0, size - len(chunk)), mode="edge")
