"""Functions of any number of rows, in batches of one shape over all devices."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.sharding import PartitionSpec

from fullglow_jax.parallel.devices import AXES, Devices

PyTree = Any


class InBatches:
    """Applies a function to each row, from rows on the host to results on the host.

    It compiles one program for any number of rows: the last batch is filled up.

    Args:
        function: (shared, rows) → results. Rows and results are pytrees of arrays with one entry
            per row. A row's result must not depend on the other rows.
        devices: The devices to compute on.
        batch_size: Number of rows computed at once, a multiple of the number of devices.
    """

    def __init__(
        self, function: Callable[[PyTree, PyTree], PyTree], devices: Devices, batch_size: int
    ) -> None:
        self.batch_size = batch_size
        split, whole = PartitionSpec(AXES), PartitionSpec()
        spread = jax.shard_map(
            function, mesh=devices.mesh, in_specs=(whole, split), out_specs=split, check_vma=False
        )
        # Every process gets all results.
        self._run = jax.jit(spread, out_shardings=devices.replicated)

    def __call__(self, shared: PyTree, rows: PyTree) -> PyTree:
        """The results, NumPy arrays with one entry per row.

        Args:
            shared: The function's first argument, which is not split.
            rows: NumPy arrays whose first axes have the same length, 1 or more.
        """
        count = len(jax.tree.leaves(rows)[0])
        parts = []
        for start in range(0, count, self.batch_size):
            # Past the end, the last row is repeated.
            places = np.minimum(np.arange(start, start + self.batch_size), count - 1)
            batch = jax.tree.map(lambda leaf, chosen=places: leaf[chosen], rows)
            there = min(self.batch_size, count - start)
            results = self._run(shared, batch)
            parts.append(jax.tree.map(lambda leaf, n=there: np.asarray(leaf)[:n], results))
        return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)
