"""The mesh of all devices, and the sharding of batches and states."""

import math
from typing import Any

import jax
import numpy as np
from jax import Array
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from ml_collections import ConfigDict

from fullglow_jax.errors import UserError
from fullglow_jax.models.batch import Batch

PyTree = Any

DATA, FSDP = "data", "fsdp"
AXES = (DATA, FSDP)
"""Batches are split over both axes; parameters, if at all, over the second."""

SMALLEST_SPLIT = 1024
"""Elements of the smallest array that is worth splitting."""


class Devices:
    """The devices of all processes, or of this one, as a mesh of `data` × `fsdp`.

    Args:
        parallel: `config.parallel`; None for all devices, and nothing split over `fsdp`.
        here: Whether to use the devices of this process alone, for computations without the other
            processes; nothing is split over `fsdp` then.

    Attributes:
        mesh: The mesh.
        sharded: Sharding of batches: the first axis is split over all devices.
        replicated: Sharding of arrays that are whole on every device.

    Raises:
        UserError: If `config.parallel` does not fit these devices.
    """

    def __init__(self, parallel: ConfigDict | None = None, *, here: bool = False) -> None:
        devices = np.array(jax.local_devices() if here else jax.devices())
        if parallel is not None and parallel.devices is not None:
            count = parallel.devices
            if not 1 <= count <= len(devices) or jax.process_count() > 1:
                raise UserError(
                    f"config.parallel.devices={count} is not possible: expected 1 to "
                    f"{len(devices)}, the devices there are, and a run of one process (several use "
                    "all of theirs)."
                )
            devices = devices[:count]
        fsdp = 1 if parallel is None or here else parallel.fsdp
        if fsdp < 1 or len(devices) % fsdp:
            divisors = (str(n) for n in range(1, len(devices) + 1) if len(devices) % n == 0)
            raise UserError(
                f"config.parallel.fsdp={fsdp} does not divide the {len(devices)} device(s) there "
                f"are: choose one of {', '.join(divisors)}."
            )
        self.mesh = Mesh(devices.reshape(-1, fsdp), AXES)
        self.sharded = NamedSharding(self.mesh, PartitionSpec(AXES))
        self.replicated = NamedSharding(self.mesh, PartitionSpec())
        self._wrapped = jax.jit(jax.random.wrap_key_data, out_shardings=self.replicated)

    @property
    def fsdp(self) -> int:
        """Number of devices that share one copy of the state."""
        return self.mesh.shape[FSDP]

    def split_axis(self, shape: tuple[int, ...]) -> int | None:
        """The longest axis of a state's array that can be split over `fsdp`, if any.

        This one rule shards parameters, moments and averages alike.
        """
        if self.fsdp == 1 or math.prod(shape) < SMALLEST_SPLIT:
            return None
        fitting = [axis for axis, length in enumerate(shape) if length % self.fsdp == 0]
        return max(fitting, key=lambda axis: shape[axis], default=None)

    def spec(self, shape: tuple[int, ...]) -> PartitionSpec:
        """The sharding specification of a state's array."""
        axis = self.split_axis(shape)
        return PartitionSpec() if axis is None else PartitionSpec(*[None] * axis, FSDP)

    def place(self, shapes: PyTree) -> PyTree:
        """The sharding of each array of an (abstract) state."""
        return jax.tree.map(lambda leaf: NamedSharding(self.mesh, self.spec(leaf.shape)), shapes)

    def check_batch_size(self, batch_size: int, name: str, parts: int = 1) -> None:
        """Refuses a batch that the devices cannot share evenly.

        Args:
            batch_size: Number of examples, over all devices.
            name: The user's name for it.
            parts: Number of parts in which each device computes its share, one after the other.

        Raises:
            UserError: If devices × parts does not divide the batch size.
        """
        count = self.mesh.size * parts
        if batch_size < 1 or batch_size % count:
            in_parts = f" in {parts} parts each (config.train.accumulate)" if parts > 1 else ""
            here = range(1, self.mesh.size if jax.process_count() == 1 else 1)
            fewer = [n for n in here if batch_size % (n * parts) == 0]
            or_fewer = f", or fewer devices (--config.parallel.devices={max(fewer, default=1)})"
            raise UserError(
                f"{name}={batch_size} cannot be split over {self.mesh.size} devices{in_parts}: "
                f"use a multiple of {count}, for example "
                f"{max(1, round(batch_size / count)) * count}{or_fewer if fewer else ''}."
            )

    @property
    def share(self) -> dict[str, Any]:
        """This process's share of every batch, as arguments of the input pipeline."""
        return {"process_index": jax.process_index(), "process_count": jax.process_count()}

    @property
    def described(self) -> str:
        """The number of devices and processes, for example "4 devices in 2 processes"."""
        count, processes = self.mesh.size, jax.process_count()
        text = f"{count} device{'s' if count > 1 else ''}"
        text += f" in {processes} processes" if processes > 1 else ""
        return text + (f", fsdp over {self.fsdp}" if self.fsdp > 1 else "")

    def memory(self) -> dict[str, float]:
        """The peak memory use of this process's devices in GiB, if they report it."""
        stats = (device.memory_stats() for device in self.mesh.local_devices)
        peaks = [found["peak_bytes_in_use"] for found in stats if found]
        return {"device_memory_gib": max(peaks) / 2**30} if peaks else {}

    def key(self, seed: int) -> Array:
        """The key of a seed, on every device."""
        return self._placed(jax.random.key(seed))

    def keys(self, seed: int, count: int) -> tuple[Array, ...]:
        """`count` keys derived from a seed, on every device."""
        return tuple(map(self._placed, jax.random.split(jax.random.key(seed), count)))

    def _placed(self, key: Array) -> Array:
        # The key is an input of programs: with a constant in them, each seed would compile anew.
        return self._wrapped(np.asarray(jax.random.key_data(key)))

    def put_batch(self, batch: Batch) -> Batch:
        """Puts this process's rows of a batch onto the devices."""
        placed: Batch = jax.tree.map(self.put, batch)
        return placed

    def put(self, rows: np.ndarray) -> Array:
        """Puts this process's rows of an array onto the devices, split over all of them."""
        return jax.make_array_from_process_local_data(self.sharded, rows)
