"""Bits per dimension over a split."""

import math
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import jax
import numpy as np
from jax import Array
from jax.sharding import PartitionSpec

from fullglow_jax.models.interface import LikelihoodModel
from fullglow_jax.parallel.devices import AXES, Devices

PyTree = Any

Bits = dict[str, np.ndarray]
"""(draws, examples), by name."""

Remembered = Callable[[Any, int, Callable[[], Bits]], Bits]


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
        draws: int = 1,
        told: Callable[[int], None] = lambda done: None,
        remembered: Remembered = lambda batch, place, compute: compute(),
    ) -> Bits:
        """Bits per dimension of each draw and each example in order, (draws, N), by name.

        Args:
            variables: The model's variables.
            batches: Evaluation batches of one shape, this process's rows of them, with their
                `valid` masks.
            key: An example's noise depends on this key, on its place and on the draw's number.
            draws: How often each example gets noise. More draws leave the first as it is.
            told: Told how many examples are done.
            remembered: Gives what a batch from such a place on came to at another time, or has it
                computed now.
        """
        collected: dict[str, list[np.ndarray]] = {}
        place = 0
        for batch in batches:
            compute = partial(self._of_batch, variables, batch, key, draws, place)
            of_batch = remembered(batch, place, compute)
            for name, values in of_batch.items():
                collected.setdefault(name, []).append(values)
            place += values.shape[1]
            told(place)
        return {name: np.concatenate(parts, axis=1) for name, parts in collected.items()}

    def _of_batch(self, variables: PyTree, batch: Any, key: Array, draws: int, place: int) -> Bits:
        """(draws, valid examples), by name."""
        valid = np.asarray(self._whole(self.devices.put(batch["valid"])))
        places = np.arange(place, place + len(valid))
        placed = self.devices.put_batch(batch)
        of_draws = [
            self._bits(variables, placed, self._keys(of_draw, places))
            for of_draw in _keys_of_draws(key, draws)
        ]
        return {
            name: np.stack([np.asarray(bits[name])[valid] for bits in of_draws])
            for name in of_draws[0]
        }


def importance_weighted(bits: np.ndarray, dimensions: int) -> np.ndarray:
    """A tighter bound on the bits per dimension of discrete images (Burda et al. 2016).

    The noise's mean density in place of the mean of its logarithm: minus the logarithm of the
    draws' mean likelihood. At most their mean, and the less the more draws there are.

    Args:
        bits: (draws, N), bits per dimension.
        dimensions: D = H·W·C.

    Returns:
        (N,).
    """
    nats = -bits.astype(np.float64) * dimensions * math.log(2)
    log_mean = np.logaddexp.reduce(nats, axis=0) - math.log(len(bits))
    return -log_mean / (dimensions * math.log(2))


def _keys_of_draws(key: Array, draws: int) -> Iterator[Array]:
    """The key itself for the first; the others' are of no example's place."""
    yield key
    for number in range(1, draws):
        yield jax.random.fold_in(key, 2**32 - number)
