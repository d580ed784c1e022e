"""A function of rows over any number of them: in batches of one shape, spread over all devices."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.sharding import PartitionSpec

from fullglow_jax.parallel.devices import AXES, Devices

PyTree = Any


class InBatches:
    """Computes what each row gives by itself, from rows on the host to results on the host.

    There is one compiled program whatever the number of rows: the last batch is filled up.

    Args:
        function: (shared, rows) → results; pytrees, of arrays with one entry a row but for
            `shared`. A row's result must not depend on the other rows.
        devices: What it is computed on.
        batch_size: Rows computed at once; a multiple of the number of devices.
    """

    def __init__(
        self, function: Callable[[PyTree, PyTree], PyTree], devices: Devices, batch_size: int
    ) -> None:
        self.batch_size = batch_size
        split, whole = PartitionSpec(AXES), PartitionSpec()
        spread = jax.shard_map(
            function,
            mesh=devices.mesh,
            in_specs=(whole, split),
            out_specs=split,
            check_vma=False,
        )
        # Every process gets the results of all.
        self._run = jax.jit(spread, out_shardings=devices.replicated)

    def __call__(self, shared: PyTree, rows: PyTree) -> PyTree:
        """The results, NumPy arrays with one entry a row.

        Args:
            shared: What the function gets whole.
            rows: NumPy arrays of one length, 1 or more, along their first axes.
        """
        count = len(jax.tree.leaves(rows)[0])
        parts = []
        for start in range(0, count, self.batch_size):
            # Past the end, the last row again.
            places = np.minimum(np.arange(start, start + self.batch_size), count - 1)
            batch = jax.tree.map(lambda leaf, chosen=places: leaf[chosen], rows)
            there = min(self.batch_size, count - start)
            results = self._run(shared, batch)
            parts.append(jax.tree.map(lambda leaf, n=there: np.asarray(leaf)[:n], results))
        return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)
