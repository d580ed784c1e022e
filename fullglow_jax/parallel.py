"""Batches sharded over all devices, parameters on each of them."""

from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from fullglow_jax.errors import UserError
from fullglow_jax.models.interface import Batch

PyTree = Any


class Devices:
    """A mesh of all devices and how arrays lie on it.

    Attributes:
        mesh: One axis, "data".
        sharded: Split along the first axis, for batches.
        replicated: Whole on every device, for states and keys.
    """

    def __init__(self) -> None:
        self.mesh = Mesh(np.array(jax.devices()), ("data",))
        self.sharded = NamedSharding(self.mesh, PartitionSpec("data"))
        self.replicated = NamedSharding(self.mesh, PartitionSpec())

    def check_batch_size(self, batch_size: int, name: str) -> None:
        """Refuses a batch that the devices cannot share evenly.

        Raises:
            UserError: Where the number of devices does not divide the batch size.
        """
        count = self.mesh.size
        if batch_size < 1 or batch_size % count:
            raise UserError(
                f"{name}={batch_size} cannot be split over {count} devices: use a multiple of "
                f"{count}, for example {max(1, round(batch_size / count)) * count}."
            )

    def put_batch(self, batch: Any) -> Batch:
        """A host batch, from the input pipeline, onto the devices."""
        arrays = Batch(batch["condition"], batch["target"], tuple(batch["boundary"]))
        return jax.tree.map(
            lambda a: jax.make_array_from_process_local_data(self.sharded, a), arrays
        )
