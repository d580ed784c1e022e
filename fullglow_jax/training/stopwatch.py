"""Where the time of training steps goes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

DATA, CHECKPOINT, PAUSE = "data", "checkpoint", "pause"


class Stopwatch:
    """Splits time into what waits for data, what saves, what is no part of training, and the rest.

    The rest is computing: dispatched steps run on while the host goes ahead, and the host waits
    for them when it reads what they said.
    """

    def __init__(self) -> None:
        self._restart()

    def _restart(self) -> None:
        self._begun = time.monotonic()
        self._spent = {DATA: 0.0, CHECKPOINT: 0.0, PAUSE: 0.0}

    @contextmanager
    def timing(self, what: str) -> Iterator[None]:
        """Counts what happens inside towards DATA, CHECKPOINT or PAUSE."""
        begun = time.monotonic()
        try:
            yield
        finally:
            self._spent[what] += time.monotonic() - begun

    def split(self, steps: int) -> dict[str, float]:
        """Seconds a step since the last call, in all and by kind, without pauses."""
        total = time.monotonic() - self._begun - self._spent[PAUSE]
        data, checkpoint = self._spent[DATA], self._spent[CHECKPOINT]
        self._restart()
        seconds = {
            "step": total,
            "data": data,
            "checkpoint": checkpoint,
            "compute": total - data - checkpoint,
        }
        return {f"seconds/{name}": value / steps for name, value in seconds.items()}
