"""A profiler trace of a few training steps."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax

SKIPPED = 2
"""Steps before the trace begins: the first ones find cold caches."""


class Profile:
    """Traces some steps of a run to `WORKDIR/profile`, for TensorBoard, XProf or Perfetto.

    Args:
        folder: Where the trace goes.
        steps: How many steps; 0 for none.
        told: Told where the trace is.
    """

    def __init__(self, folder: Path, steps: int, told: Callable[[str], None]) -> None:
        self._folder, self._steps, self._told = folder, steps, told
        self._done = 0

    def after_step(self, outcome: Any) -> None:
        """To be called after each step with what it returned."""
        if not self._steps:
            return
        self._done += 1
        if self._done == SKIPPED:
            jax.block_until_ready(outcome)
            jax.profiler.start_trace(self._folder)
        elif self._done == SKIPPED + self._steps:
            jax.block_until_ready(outcome)
            self.close()

    def close(self) -> None:
        """Ends a trace that is under way."""
        if self._done >= SKIPPED and self._steps:
            jax.profiler.stop_trace()
            self._told(
                f"profile of {self._done - SKIPPED} steps: {self._folder} "
                "(tensorboard --logdir, with its profile plug-in)"
            )
            self._steps = 0
