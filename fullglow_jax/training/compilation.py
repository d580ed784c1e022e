"""Compilation of the training step, while the first state is made or read."""

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYetError
from functools import cache
from typing import Any

import jax
from jax import Array

from fullglow_jax.models.batch import Batch
from fullglow_jax.models.interface import TrainState
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.training.step import Outcome

Step = Callable[[TrainState, Batch, Array, Array], tuple[TrainState, Outcome]]

SECONDS_BETWEEN_LOOKS = 0.1

LEVEL = "xla_backend_optimization_level"


def compiler_options() -> dict[str, int] | None:
    """XLA's level of optimisation, unless XLA_FLAGS has one.

    On CPUs, LLVM's levels of optimisation above 1 take a fifth longer to compile, and the code is
    not faster: the work is in matrix products, which are library calls. With level 0, drawing
    random numbers for hundreds of millions of parameters takes longer than compilation saves.
    """
    if jax.default_backend() != "cpu" or LEVEL in os.environ.get("XLA_FLAGS", ""):
        return None
    return {LEVEL: 1} if _known(LEVEL, 1) else None


@cache
def _known(option: str, value: int) -> bool:
    """Whether this version of XLA has an option; an unknown one would end a compilation."""
    try:
        jax.jit(lambda: 0, compiler_options={option: value}).lower().compile()
    except jax.errors.JaxRuntimeError:
        return False
    return True


def compiled(function: Callable[..., Any], out_shardings: Any, *like: Any) -> Any:
    """A function compiled for arguments with the shapes and types of these."""
    jitted = jax.jit(function, out_shardings=out_shardings, compiler_options=compiler_options())
    return jitted.lower(*like).compile()


class CompiledStep:
    """A training step that another thread begins to compile when this object is made.

    It is traced in this thread: two threads that trace would wait for each other.

    Args:
        step: (state, batch, key, ballots) → (state, outcome), compiled for one shape.
        devices: The devices of its arguments.
        like: The (abstract) state, batch, key and ballots.
    """

    def __init__(self, step: Step, devices: Devices, *like: Any) -> None:
        placed = jax.tree.map(lambda leaf: leaf.sharding, like[0])
        jitted = jax.jit(
            step,
            donate_argnums=0,
            out_shardings=(placed, devices.replicated),
            compiler_options=compiler_options(),
        )
        lowered = jitted.lower(*like)
        self._thread = ThreadPoolExecutor(1)
        self._compiled: Future[Any] = self._thread.submit(lowered.compile)

    def get(self, unless: Callable[[], bool]) -> Any:
        """Waits for the compiled step, or returns None as soon as `unless` is true.

        Raises what the compilation raised.
        """
        while not unless():
            try:
                return self._compiled.result(SECONDS_BETWEEN_LOOKS)
            except NotYetError:
                if self._compiled.done():
                    raise
        return None

    def abandon(self) -> bool:
        """Gives up the compilation; returns whether it was unfinished."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        return not self._compiled.done()
