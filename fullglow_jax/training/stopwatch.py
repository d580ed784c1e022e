"""A stopwatch of training steps."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

DATA, CHECKPOINT, PAUSE = "data", "checkpoint", "pause"


class Stopwatch:
    """Splits time into waiting for data, saving, pauses (no part of training), and the rest.

    The rest is computing: dispatched steps run while the host goes on, and the host waits for them
    when it reads their outcomes.
    """

    def __init__(self) -> None:
        self._restart()

    def _restart(self) -> None:
        self._begun = time.monotonic()
        self._spent = {DATA: 0.0, CHECKPOINT: 0.0, PAUSE: 0.0}

    @contextmanager
    def timing(self, what: str) -> Iterator[None]:
        """Adds the time spent inside to DATA, CHECKPOINT or PAUSE."""
        begun = time.monotonic()
        try:
            yield
        finally:
            self._spent[what] += time.monotonic() - begun

    def split(self, steps: int) -> dict[str, float]:
        """Seconds per step since the last call, in all and by kind, without pauses."""
        spent = self._spent
        total = time.monotonic() - self._begun - spent.pop(PAUSE)
        self._restart()
        compute = total - spent[DATA] - spent[CHECKPOINT]
        seconds = {"step": total, **spent, "compute": compute}
        return {f"seconds/{name}": value / steps for name, value in seconds.items()}
