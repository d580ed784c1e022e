"""Bits per dimension over a split."""

from collections.abc import Callable, Iterable
from typing import Any

import jax
import numpy as np
from jax import Array
from jax.sharding import PartitionSpec

from fullglow_jax.models.interface import LikelihoodModel
from fullglow_jax.parallel.devices import AXES, Devices

PyTree = Any


class BitsPerDim:
    """Scores examples, each under dequantisation noise of its own.

    Attributes:
        model: The model.
        devices: Where batches go.
    """

    def __init__(self, model: LikelihoodModel, devices: Devices) -> None:
        self.model = model
        self.devices = devices
        split, whole = PartitionSpec(AXES), PartitionSpec()
        bits = jax.shard_map(
            model.bits_per_dim,
            mesh=devices.mesh,
            in_specs=(whole, split, split),
            out_specs=split,
            check_vma=False,
        )
        # Every process gets the figures of all.
        self._bits = jax.jit(bits, out_shardings=devices.replicated)
        self._whole = jax.jit(lambda x: x, out_shardings=devices.replicated)
        fold = jax.vmap(jax.random.fold_in, (None, 0))
        self._keys = jax.jit(fold, out_shardings=devices.sharded)

    def __call__(
        self,
        variables: PyTree,
        batches: Iterable[Any],
        key: Array,
        told: Callable[[int], None] = lambda done: None,
    ) -> dict[str, np.ndarray]:
        """Bits per dimension of each example in order, by name.

        Args:
            variables: The model's variables.
            batches: Evaluation batches of one shape, this process's rows of them, with their
                `valid` masks.
            key: An example's noise depends on this key and on its place alone.
            told: Told how many examples are done.
        """
        collected: dict[str, list[np.ndarray]] = {}
        place = 0
        for batch in batches:
            valid = np.asarray(self._whole(self.devices.put(batch["valid"])))
            places = np.arange(place, place + len(valid))
            bits = self._bits(variables, self.devices.put_batch(batch), self._keys(key, places))
            for name, values in bits.items():
                collected.setdefault(name, []).append(np.asarray(values)[valid])
            place += int(valid.sum())
            told(place)
        return {name: np.concatenate(parts) for name, parts in collected.items()}
