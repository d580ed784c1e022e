"""Scores of each example of a split: bits per dimension, re-draws, a model's own."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import jax
import numpy as np
from jax import Array
from jax.sharding import PartitionSpec

from fullglow_jax.data.pipeline import HostBatch
from fullglow_jax.models.batch import Batch
from fullglow_jax.parallel.devices import AXES, Devices

PyTree = Any

Scores = dict[str, np.ndarray]
"""(draws, examples), by name."""

Remembered = Callable[[HostBatch, int, Callable[[], Scores]], Scores]


class ExampleScores:
    """Scores examples, each under its own noise.

    Args:
        score: (variables, batch, keys) → (B,) by name; a model's `bits_per_dim`, for example.
        devices: The devices to compute on.
    """

    def __init__(
        self, score: Callable[[PyTree, Batch, Array], dict[str, Array]], devices: Devices
    ) -> None:
        self._devices = devices
        split, whole = PartitionSpec(AXES), PartitionSpec()
        spread = jax.shard_map(
            score,
            mesh=devices.mesh,
            in_specs=(whole, split, split),
            out_specs=split,
            check_vma=False,
        )
        # Every process gets all figures.
        self._score = jax.jit(spread, out_shardings=devices.replicated)
        self._whole = jax.jit(lambda x: x, out_shardings=devices.replicated)
        fold = jax.vmap(jax.random.fold_in, (None, 0))
        self._keys = jax.jit(fold, out_shardings=devices.sharded)

    def __call__(
        self,
        variables: PyTree,
        batches: Iterable[HostBatch],
        key: Array,
        draws: int = 1,
        told: Callable[[int], None] = lambda done: None,
        remembered: Remembered = lambda host, place, compute: compute(),
    ) -> Scores:
        """The scores of each draw and each example in order, (draws, N), by name.

        Args:
            variables: The model's variables.
            batches: Evaluation batches of one shape, this process's rows of them.
            key: An example's noise depends on this key, on its place and on the draw's number.
            draws: Number of draws of noise for each example. The first draw is always the same.
            told: Called with the number of examples that are done.
            remembered: (batch, place of its first example, computation) → its scores, remembered
                from an earlier call or computed now.
        """
        collected: dict[str, list[np.ndarray]] = {}
        place = 0
        for host in batches:
            compute = partial(self._batch_scores, variables, host, key, draws, place)
            batch_scores = remembered(host, place, compute)
            for name, values in batch_scores.items():
                collected.setdefault(name, []).append(values)
            place += values.shape[1]
            told(place)
        return {name: np.concatenate(parts, axis=1) for name, parts in collected.items()}

    def _batch_scores(
        self, variables: PyTree, host: HostBatch, key: Array, draws: int, place: int
    ) -> Scores:
        """(draws, valid examples), by name."""
        valid = np.asarray(self._whole(self._devices.put(host.valid)))
        places = np.arange(place, place + len(valid))
        placed = self._devices.put_batch(host.batch)
        # The key itself for the first draw; numbers of others are never an example's place.
        draw_keys = [key, *(jax.random.fold_in(key, 2**32 - n) for n in range(1, draws))]
        found = [
            self._score(variables, placed, self._keys(draw_key, places)) for draw_key in draw_keys
        ]
        return {
            name: np.stack([np.asarray(scores[name])[valid] for scores in found])
            for name in found[0]
        }
