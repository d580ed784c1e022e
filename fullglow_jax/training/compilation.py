"""Compilation of the training step, while the first state is made or read."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYetError
from typing import Any

import jax
from jax import Array

from fullglow_jax.compiler_options import for_training
from fullglow_jax.models.batch import Batch
from fullglow_jax.models.interface import TrainState
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.training.step import Outcome

Step = Callable[[TrainState, Batch, Array, Array], tuple[TrainState, Outcome]]

SECONDS_BETWEEN_LOOKS = 0.1


def compiled(function: Callable[..., Any], out_shardings: Any, *like: Any) -> Any:
    """A function compiled for arguments with the shapes and types of these."""
    jitted = jax.jit(function, out_shardings=out_shardings, compiler_options=for_training())
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
            compiler_options=for_training(),
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
