"""One run of several processes, on one machine or many."""

import json
import os
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils
from orbax.checkpoint import multihost

from fullglow_jax.errors import UserError
from fullglow_jax.parallel.launchers import COUNT, INDEX, LAUNCH, detected

HEARTBEAT_SECONDS = 30
"""After which a silent process is given up."""

MEETING_SECONDS = 1800
"""What the slowest process is waited for."""


def join(asked: bool | None = None) -> None:
    """Joins the other processes of the run; must come before anything asks JAX for its devices.

    Who the others are is found out by JAX itself (SLURM, Open MPI, Kubernetes, TPU), or was put
    into the environment by `fullglow_jax.launch`. Calling it again does nothing.

    Args:
        asked: Whether to join; None to join where a launcher is detected.

    Raises:
        UserError: There is nothing to join, or the others did not come.
    """
    launcher = detected()
    if not (launcher if asked is None else asked) or jax.distributed.is_initialized():
        return
    numbers: dict[str, Any] = {}
    if launcher == LAUNCH:
        numbers = {"num_processes": int(os.environ[COUNT]), "process_id": int(os.environ[INDEX])}
    try:
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
    """Waits until all processes of the run are here; at once where there is one.

    Before what they do together for the first time: the connections between CPUs are given up
    where one process comes half a minute after another, and compiling can take longer.

    Args:
        where: A name for it, the same in all processes.
    """
    multihost.get_barrier_sync_fn()(key=where, timeout_ms=1000 * MEETING_SECONDS)


def is_first() -> bool:
    """Whether this is the process of the run that writes and tells."""
    return not jax.distributed.is_initialized() or jax.process_index() == 0


def as_first_has_it(values: np.ndarray) -> np.ndarray:
    """The first process's values, in all processes: files, say, that another may not see."""
    if jax.process_count() == 1:
        return values
    return np.asarray(multihost_utils.broadcast_one_to_all(values))


def own_share(count: int) -> range:
    """This process's of so many things that the processes of a run share."""
    process, processes = jax.process_index(), jax.process_count()
    return range(count * process // processes, count * (process + 1) // processes)


def gathered(value: Any) -> list[Any]:
    """Every process's value, in order, in all processes; a value is what JSON can hold."""
    if jax.process_count() == 1:
        return [value]
    sent = np.frombuffer(json.dumps(value).encode(), np.uint8)
    lengths = multihost_utils.process_allgather(np.array(len(sent), np.int32))
    filled = np.pad(sent, (0, int(lengths.max()) - len(sent)))
    rows = np.asarray(multihost_utils.process_allgather(filled))
    return [json.loads(bytes(row[:n])) for row, n in zip(rows, lengths, strict=True)]
