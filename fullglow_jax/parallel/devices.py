"""A mesh of all devices, and how batches and states lie on it."""

import math
from typing import Any

import jax
import numpy as np
from jax import Array
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from ml_collections import ConfigDict

from fullglow_jax.errors import UserError
from fullglow_jax.models.interface import Batch

PyTree = Any

DATA, FSDP = "data", "fsdp"
AXES = (DATA, FSDP)
"""Batches are split over both; parameters, where they are split at all, over the second."""

SMALLEST_SPLIT = 1024
"""Elements under which splitting an array saves nothing."""


class Devices:
    """The devices of all processes, or of this one, as a mesh of `data` × `fsdp`.

    Args:
        parallel: `config.parallel`; None for all devices, and nothing split over `fsdp`.
        here: Whether those of this process alone, for what it computes without the others.

    Attributes:
        mesh: The mesh.
        sharded: Split along the first axis over all devices, for batches.
        replicated: Whole on every device.

    Raises:
        UserError: Where `config.parallel` asks for what these devices are not.
    """

    def __init__(self, parallel: ConfigDict | None = None, *, here: bool = False) -> None:
        devices = np.array(jax.local_devices() if here else jax.devices())
        if parallel is not None and parallel.devices is not None:
            devices = _first(devices, parallel.devices)
        fsdp = 1 if parallel is None else parallel.fsdp
        if fsdp < 1 or len(devices) % fsdp:
            raise UserError(
                f"config.parallel.fsdp={fsdp} does not divide the {len(devices)} device(s) there "
                f"are: choose one of {', '.join(map(str, _divisors(len(devices))))}."
            )
        self.mesh = Mesh(devices.reshape(-1, fsdp), AXES)
        self.sharded = NamedSharding(self.mesh, PartitionSpec(AXES))
        self.replicated = NamedSharding(self.mesh, PartitionSpec())
        self._wrapped = jax.jit(jax.random.wrap_key_data, out_shardings=self.replicated)

    @property
    def fsdp(self) -> int:
        """How many devices share one copy of the state."""
        return self.mesh.shape[FSDP]

    def split_axis(self, shape: tuple[int, ...]) -> int | None:
        """The axis of a state's array that is split over `fsdp`: its longest that can be, if any.

        One rule for parameters, moments and averages, so that they always lie alike.
        """
        if self.fsdp == 1 or math.prod(shape) < SMALLEST_SPLIT:
            return None
        fitting = [axis for axis, length in enumerate(shape) if length % self.fsdp == 0]
        return max(fitting, key=lambda axis: shape[axis], default=None)

    def spec(self, shape: tuple[int, ...]) -> PartitionSpec:
        """How an array of a state is split."""
        axis = self.split_axis(shape)
        return PartitionSpec() if axis is None else PartitionSpec(*[None] * axis, FSDP)

    def place(self, shapes: PyTree) -> PyTree:
        """A state's sharding, leaf by leaf, from (abstract) arrays."""
        return jax.tree.map(lambda leaf: NamedSharding(self.mesh, self.spec(leaf.shape)), shapes)

    def check_batch_size(self, batch_size: int, name: str, parts: int = 1) -> None:
        """Refuses a batch that the devices cannot share evenly.

        Args:
            batch_size: Examples, over all devices.
            name: What the user calls it.
            parts: Parts that each device takes its share in, one after the other.

        Raises:
            UserError: Where devices × parts does not divide the batch size.
        """
        count = self.mesh.size * parts
        if batch_size < 1 or batch_size % count:
            in_parts = f" in {parts} parts each (config.train.accumulate)" if parts > 1 else ""
            fewer = max(n for n in _divisors(batch_size) if n <= self.mesh.size)
            raise UserError(
                f"{name}={batch_size} cannot be split over {self.mesh.size} devices{in_parts}: "
                f"use a multiple of {count}, for example "
                f"{max(1, round(batch_size / count)) * count}, or fewer devices "
                f"(--config.parallel.devices={fewer})."
            )

    @property
    def share(self) -> dict[str, Any]:
        """This process's share of every batch, in the words of the input pipeline."""
        return {"process_index": jax.process_index(), "process_count": jax.process_count()}

    @property
    def described(self) -> str:
        """How many devices and processes, for example "4 devices in 2 processes"."""
        count, processes = self.mesh.size, jax.process_count()
        text = f"{count} device{'s' if count > 1 else ''}"
        text += f" in {processes} processes" if processes > 1 else ""
        return text + (f", fsdp over {self.fsdp}" if self.fsdp > 1 else "")

    def memory(self) -> dict[str, float]:
        """The most that a device of this process has had in use, in GiB, where it can tell."""
        stats = (device.memory_stats() for device in self.mesh.local_devices)
        peaks = [of_one["peak_bytes_in_use"] for of_one in stats if of_one]
        return {"device_memory_gib": max(peaks) / 2**30} if peaks else {}

    def key(self, seed: int) -> Array:
        """A seed's key, on every device."""
        return self._placed(jax.random.key(seed))

    def keys(self, seed: int, count: int) -> tuple[Array, ...]:
        """So many keys derived from a seed, on every device."""
        return tuple(map(self._placed, jax.random.split(jax.random.key(seed), count)))

    def _placed(self, key: Array) -> Array:
        # As data that a program is given: one that had the seed in it would be compiled, and kept,
        # for each seed anew.
        return self._wrapped(np.asarray(jax.random.key_data(key)))

    def put_batch(self, batch: Any) -> Batch:
        """A host batch, this process's rows of it, from the input pipeline, onto the devices."""
        arrays = Batch(batch["condition"], batch["target"], tuple(batch["boundary"]))
        return jax.tree.map(self.put, arrays)

    def put(self, rows: np.ndarray) -> Array:
        """This process's rows of an array that is split over all devices."""
        return jax.make_array_from_process_local_data(self.sharded, rows)


def _first(devices: np.ndarray, count: int) -> np.ndarray:
    if not 1 <= count <= len(devices) or jax.process_count() > 1:
        raise UserError(
            f"config.parallel.devices={count} is not possible: expected 1 to {len(devices)}, the "
            "devices there are, and a run of one process (several use all of theirs)."
        )
    return devices[:count]


def _divisors(number: int) -> list[int]:
    return [n for n in range(1, max(1, number) + 1) if number % n == 0]
