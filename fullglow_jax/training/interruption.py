"""Clean stops on request."""

import os
import signal
from types import FrameType

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

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.made:
            # An exception would still wait, for example for a compiler's thread.
            os.write(2, b"\ninterrupted\n")
            os._exit(128 + number)
        self.made = True


class Vote:
    """Lets all processes stop at the same step, if one of them was asked to.

    Each process gives its ballot to every step, whose outcome says whether any was a yes. A run of
    one process stops at once.

    Attributes:
        passed: Whether to stop.
    """

    def __init__(self, devices: Devices, request: StopRequest) -> None:
        self._devices, self._request = devices, request
        self._stop = False

    @property
    def passed(self) -> bool:
        """Whether to stop now."""
        return self._request.made if jax.process_count() == 1 else self._stop

    def ballots(self) -> Array:
        """This process's ballots for a step, (devices,)."""
        local = self._devices.mesh.local_mesh.size
        return self._devices.put(np.full(local, self._request.made))

    def count(self, stop: Array) -> None:
        """Counts a step's outcome; all processes must count the same steps."""
        self._stop = self._stop or bool(stop)
