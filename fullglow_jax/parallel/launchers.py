"""Launchers of runs with several processes, detected before JAX is imported."""

import os
from collections.abc import Callable

COUNT, INDEX = "JAX_NUM_PROCESSES", "JAX_PROCESS_ID"
"""Environment variables that `fullglow_jax.launch` sets, with JAX_COORDINATOR_ADDRESS."""

LAUNCH = "fullglow_jax.launch"


def _more_than_one(name: str) -> Callable[[], bool]:
    return lambda: os.environ.get(name, "").isdigit() and int(os.environ[name]) > 1


LAUNCHERS: dict[str, Callable[[], bool]] = {
    LAUNCH: _more_than_one(COUNT),
    "SLURM": lambda: _more_than_one("SLURM_NTASKS")() and "SLURM_PROCID" in os.environ,
    "Open MPI": _more_than_one("OMPI_COMM_WORLD_SIZE"),
    "Kubernetes": lambda: {"KUBERNETES_SERVICE_HOST", "JOB_COMPLETION_INDEX"} <= set(os.environ),
    "a TPU pod": lambda: "," in os.environ.get("TPU_WORKER_HOSTNAMES", ""),
}
"""By name, a test whether this process was started by it."""


def detected() -> str | None:
    """The launcher that started this process as one of several, if any."""
    return next((name for name, there in LAUNCHERS.items() if there()), None)
