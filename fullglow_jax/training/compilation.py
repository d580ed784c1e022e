"""The training step, compiled while the first state is made or read."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYetError
from typing import Any

import jax
from jax import Array

from fullglow_jax.models.interface import Batch, TrainState
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.training.step import Outcome

Step = Callable[[TrainState, Batch, Array, Array], tuple[TrainState, Outcome]]

SECONDS_BETWEEN_LOOKS = 0.1


class CompiledStep:
    """A training step that is compiled in another thread from the moment this is made.

    Args:
        step: (state, batch, key, ballots) → (state, outcome), to be compiled for one shape.
        devices: Where its arguments lie.
        like: The (abstract) state, batch, key and ballots.
    """

    def __init__(self, step: Step, devices: Devices, *like: Any) -> None:
        self._thread = ThreadPoolExecutor(1)
        placed = jax.tree.map(lambda leaf: leaf.sharding, like[0])
        jitted = jax.jit(step, donate_argnums=0, out_shardings=(placed, devices.replicated))
        self._compiled: Future[Any] = self._thread.submit(lambda: jitted.lower(*like).compile())

    def get(self, unless: Callable[[], bool]) -> Any:
        """The compiled step once it is there, or None once `unless` holds.

        What compiling raised is raised here.
        """
        while not unless():
            try:
                return self._compiled.result(SECONDS_BETWEEN_LOOKS)
            except NotYetError:
                if self._compiled.done():
                    raise
        return None

    def abandon(self) -> bool:
        """Gives up what is still being compiled; returns whether there was anything."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        return not self._compiled.done()


def quickly_compiled(function: Callable[..., Any], out_shardings: Any, *like: Any) -> Any:
    """Compiled for one call: on CPUs, optimising its code would take longer than running it."""
    options = {"xla_backend_optimization_level": 0} if jax.default_backend() == "cpu" else None
    jitted = jax.jit(function, out_shardings=out_shardings, compiler_options=options)
    return jitted.lower(*like).compile()
