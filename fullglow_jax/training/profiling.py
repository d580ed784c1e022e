"""A profiler trace of a few training steps."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax

SKIPPED = 2
"""Steps before the trace begins: the first ones are slower, with cold caches."""


class Profile:
    """Traces some steps of a run to `WORKDIR/profile`, for TensorBoard, XProf or Perfetto.

    Steps may be 0, for none. `told` is called with a message that names the folder.
    """

    def __init__(self, folder: Path, steps: int, told: Callable[[str], None]) -> None:
        self._folder, self._steps, self._told = folder, steps, told
        self._done = 0

    def after_step(self, outcome: Any) -> None:
        """Call this after each step, with its outcome."""
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
        """Ends an unfinished trace."""
        if self._done >= SKIPPED and self._steps:
            jax.profiler.stop_trace()
            self._told(
                f"profile of {self._done - SKIPPED} steps: {self._folder} "
                "(tensorboard --logdir, with its profile plug-in)"
            )
            self._steps = 0
