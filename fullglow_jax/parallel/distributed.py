"""Runs of several processes, on one machine or many."""

import os
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils
from orbax.checkpoint import multihost

from fullglow_jax.errors import UserError
from fullglow_jax.files import strict_json
from fullglow_jax.parallel.launchers import COUNT, INDEX, LAUNCH, detected

PyTree = Any

HEARTBEAT_SECONDS = 30
"""A process that is silent for longer counts as lost."""

MEETING_SECONDS = 1800
"""The longest wait for the slowest process."""


def join(asked: bool | None = None) -> None:
    """Joins the other processes of the run. Call it before anything asks JAX for its devices.

    JAX finds the others itself (SLURM, Open MPI, Kubernetes, TPU), or `fullglow_jax.launch` has
    put them into the environment. A second call does nothing.

    Args:
        asked: Whether to join; None to join if a launcher is detected.

    Raises:
        UserError: If there is nothing to join, or the others did not come.
    """
    launcher = detected()
    if not (launcher if asked is None else asked) or jax.distributed.is_initialized():
        return
    try:
        numbers: dict[str, Any] = {}
        if launcher == LAUNCH:
            index = os.environ.get(INDEX, "")
            numbers = {"num_processes": int(os.environ[COUNT]), "process_id": int(index)}
        jax.distributed.initialize(**numbers, heartbeat_timeout_seconds=HEARTBEAT_SECONDS)
    except (RuntimeError, ValueError) as error:
        raise UserError(
            f"the other processes of this run cannot be joined (started by "
            f"{launcher or 'no launcher that is known'}): {str(error).splitlines()[0]} Start it "
            "with SLURM, Open MPI, Kubernetes or on a TPU pod, or on one machine with "
            "python -m fullglow_jax.launch; --config.parallel.distributed=false runs this process "
            "by itself."
        ) from error


def meet(where: str) -> None:
    """Waits until all processes of the run are here; does nothing in a run of one process.

    Call it before their first common computation: connections between CPUs fail if one process
    comes half a minute after another, and compiling can take longer.

    Args:
        where: A name for this point, the same in all processes.
    """
    multihost.get_barrier_sync_fn()(key=where, timeout_ms=1000 * MEETING_SECONDS)


def is_first() -> bool:
    """Whether this is the process of the run that writes files and messages."""
    return not jax.distributed.is_initialized() or jax.process_index() == 0


def as_first_has_it(values: np.ndarray) -> np.ndarray:
    """The first process's values, in all processes, for example of files that only it can read."""
    if jax.process_count() == 1:
        return values
    return np.asarray(multihost_utils.broadcast_one_to_all(values))


def on_host(tree: PyTree) -> PyTree:
    """Arrays that may be split over devices as whole NumPy arrays, in all processes.

    All processes of a run must call it.
    """

    def whole(leaf: Any) -> np.ndarray:
        here = not isinstance(leaf, jax.Array) or leaf.is_fully_addressable
        if here or leaf.is_fully_replicated:
            return np.asarray(leaf)
        return np.asarray(multihost_utils.process_allgather(leaf, tiled=True))

    return jax.tree.map(whole, tree)


def own_share(count: int) -> range:
    """This process's share of `count` items that the processes of a run divide."""
    process, processes = jax.process_index(), jax.process_count()
    return range(count * process // processes, count * (process + 1) // processes)


def gathered(value: Any) -> list[Any]:
    """Every process's value, in order, in all processes; values are of JSON values and arrays."""
    if jax.process_count() == 1:
        return [value]
    sent = np.frombuffer(strict_json.dumps(value).encode(), np.uint8)
    lengths = multihost_utils.process_allgather(np.array(len(sent), np.int32))
    filled = np.pad(sent, (0, int(lengths.max()) - len(sent)))
    rows = np.asarray(multihost_utils.process_allgather(filled))
    return [
        strict_json.loads(bytes(row[:n]).decode()) for row, n in zip(rows, lengths, strict=True)
    ]
