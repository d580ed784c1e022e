"""Stopping cleanly when asked to."""

import os
import signal
from types import FrameType, TracebackType

import jax
import numpy as np
from jax import Array

from fullglow_jax.parallel.devices import Devices

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """Inside this context, Ctrl-C and SIGTERM only set `made`; a second one quits at once."""

    def __init__(self) -> None:
        self.made = False

    def __enter__(self) -> "StopRequest":
        self._before = {s: signal.signal(s, self._handle) for s in SIGNALS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.made:
            # Not an exception: whatever is waited for, a compiler's thread say, would go on.
            os.write(2, b"\ninterrupted\n")
            os._exit(128 + number)
        self.made = True


class Vote:
    """Lets all processes stop at the same step, whichever of them was asked to.

    Every step carries each process's ballot, and its outcome says whether there was a yes among
    them. What one process alone wants, it does at once.

    Attributes:
        passed: Whether to stop.
    """

    def __init__(self, devices: Devices, request: StopRequest) -> None:
        self._devices, self._request = devices, request
        self._alone = jax.process_count() == 1
        self._stop = False

    @property
    def passed(self) -> bool:
        """Whether to stop now."""
        return self._request.made if self._alone else self._stop

    def ballots(self) -> Array:
        """(devices,), this process's own; to be given to a step."""
        local = self._devices.mesh.local_mesh.size
        return self._devices.put(np.full(local, self._request.made))

    def count(self, stop: Array) -> None:
        """Takes a step's outcome; all processes must do so with the same ones."""
        self._stop = self._stop or bool(stop)
