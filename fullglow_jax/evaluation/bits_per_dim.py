"""Bits per dimension over a split."""

from collections.abc import Callable, Iterable
from typing import Any

import jax
import numpy as np
from jax import Array

from fullglow_jax.models.interface import LikelihoodModel
from fullglow_jax.parallel import Devices

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
        self._bits = jax.jit(model.bits_per_dim)
        self._keys = jax.jit(jax.vmap(jax.random.fold_in, (None, 0)))

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
            batches: Evaluation batches of one shape, with their `valid` masks.
            key: An example's noise depends on this key and on its place alone.
            told: Told how many examples are done.
        """
        collected: dict[str, list[np.ndarray]] = {}
        place = 0
        for batch in batches:
            places = np.arange(place, place + len(batch["valid"]))
            bits = self._bits(variables, self.devices.put_batch(batch), self._keys(key, places))
            for name, values in bits.items():
                collected.setdefault(name, []).append(np.asarray(values)[batch["valid"]])
            place += int(batch["valid"].sum())
            told(place)
        return {name: np.concatenate(parts) for name, parts in collected.items()}
