"""How what training runs is compiled: the step while the first state is made or read."""

import os
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

LEVEL = "xla_backend_optimization_level"


def compiler_options() -> dict[str, int] | None:
    """How much XLA is to optimise; what stands in XLA_FLAGS goes before.

    On CPUs, code beyond LLVM's first level of optimisation takes a fifth longer to compile and is
    not faster: the work is in matrix products, which are library calls. Below it, random numbers
    for hundreds of millions of parameters take longer to draw than is won.
    """
    if jax.default_backend() != "cpu" or LEVEL in os.environ.get("XLA_FLAGS", ""):
        return None
    return {LEVEL: 1}


def compiled(function: Callable[..., Any], out_shardings: Any, *like: Any) -> Any:
    """A function, compiled for arguments such as these."""
    jitted = jax.jit(function, out_shardings=out_shardings, compiler_options=compiler_options())
    return jitted.lower(*like).compile()


class CompiledStep:
    """A training step that is compiled in another thread from the moment this is made.

    It is traced before: two threads that trace wait for each other.

    Args:
        step: (state, batch, key, ballots) → (state, outcome), to be compiled for one shape.
        devices: Where its arguments lie.
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
