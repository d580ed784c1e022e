"""Images drawn under conditions, in jitted batches of one shape; each condition is read once."""

from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
from jax import Array

from fullglow_jax.compiler_options import for_sampling
from fullglow_jax.models.batch import Batch
from fullglow_jax.models.interface import Model
from fullglow_jax.parallel.devices import Devices

PyTree = Any


class Sampler:
    """Draws images from a model.

    The noise of an image depends on the seed, on its condition's place and on its number among
    the condition's samples. It does not depend on the batch, nor on the temperature: a sweep of
    temperatures shows the same scenes.

    Attributes:
        batch_size: Approximate number of images drawn at once.
    """

    def __init__(self, model: Model, devices: Devices, batch_size: int) -> None:
        self.devices = devices
        self.batch_size = batch_size
        place = jax.lax.with_sharding_constraint

        def read(variables: PyTree, batch: Batch) -> PyTree:
            variables = place(variables, devices.replicated)
            return model.read_conditions(variables, jax.tree.map(self._spread, batch))

        def sample(variables: PyTree, read: PyTree, keys: Array, temperature: Array) -> Array:
            variables = place(variables, devices.replicated)
            return model.sample(variables, read, self._spread(keys), temperature)

        options = for_sampling()
        self._read_conditions = jax.jit(read, compiler_options=options)
        # Every process gets all images.
        self._sample = jax.jit(sample, out_shardings=devices.replicated, compiler_options=options)

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
            conditions: All conditions, on the host; targets are not read.
            count: Number of samples of each condition.
            temperature: Factor of the noise's deviation.
            key: The seed's key.
            first: The place of the first condition, if these are a part of more.
        """
        places = np.arange(len(conditions.condition))
        numbers = np.arange(count)
        for place_chunk in _chunks(places, self.conditions_at_once(count)):
            batch = jax.tree.map(lambda leaf, chosen=place_chunk: leaf[chosen], conditions)
            read = self._read_conditions(variables, batch)
            for number_chunk in _chunks(numbers, min(count, self.batch_size)):
                keys = _keys(key, first + place_chunk, number_chunk)
                images = np.asarray(self._sample(variables, read, keys, temperature))
                drawn = [(int(p), int(n)) for p in place_chunk for n in number_chunk]
                for i, (place, number) in enumerate(drawn):
                    if (place, number) not in drawn[:i]:  # the last chunks are filled up
                        yield first + place, number, images[i]

    def _spread(self, x: Array) -> Array:
        """Splits an array over all devices, if that is possible evenly; else each has it whole."""
        even = len(x) % self.devices.mesh.size == 0
        return jax.lax.with_sharding_constraint(
            x, self.devices.sharded if even else self.devices.replicated
        )

    def conditions_at_once(self, count: int) -> int:
        """Conditions for about one batch; a multiple of the devices, if it is not less."""
        fitting, devices = max(1, self.batch_size // count), self.devices.mesh.size
        return fitting // devices * devices or fitting


def _keys(key: Array, places: np.ndarray, numbers: np.ndarray) -> Array:
    fold = jax.random.fold_in
    per_place = jax.vmap(fold, (None, 0))(key, places)
    keys = jax.vmap(jax.vmap(fold, (None, 0)), (0, None))(per_place, numbers)
    return keys.reshape(-1)


def _chunks(values: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """Chunks of one length; the last is filled up with its last value, so that shapes are equal."""
    size = min(size, len(values))
    for start in range(0, len(values), size):
        chunk = values[start : start + size]
        yield np.pad(chunk, (0, size - len(chunk)), mode="edge")
