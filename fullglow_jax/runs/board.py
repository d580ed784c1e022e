"""TensorBoard's events, written at once."""

import math
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

# tensorboardX imports PyTorch where it is installed, which takes a second and is not used here.
modules: dict[str, Any] = sys.modules
if hidden := "torch" not in modules:
    modules["torch"] = None
from tensorboardX import summary  # noqa: E402
from tensorboardX.event_file_writer import EventsWriter  # noqa: E402
from tensorboardX.proto.event_pb2 import Event, SessionLog  # noqa: E402

if hidden:
    del modules["torch"]


class Board:
    """One run's events, in a new file.

    tensorboardX's own writer puts them into a queue. A full disk would end the queue's thread, and
    training would wait for room in the queue forever. Here a full disk is an OSError.

    Args:
        folder: TensorBoard's folder.
        first_step: TensorBoard forgets what earlier runs wrote from this step on.
    """

    def __init__(self, folder: Path, first_step: int) -> None:
        folder.mkdir(exist_ok=True)
        # An absolute path: tensorboardX takes the part before a colon for a protocol.
        self._writer = EventsWriter(str(folder.absolute() / "events"))
        self._write(first_step, session_log=SessionLog(status=SessionLog.START))

    def scalars(self, step: int, values: dict[str, float]) -> None:
        """Records values by name; values that are not finite are left out of the curves."""
        for name, value in values.items():
            if math.isfinite(value):
                self._write(step, summary=summary.scalar(name, value))

    def image(self, step: int, name: str, image: np.ndarray) -> None:
        """Records a picture, uint8 (H, W, 3)."""
        self._write(step, summary=summary.image(name, image, dataformats="HWC"))

    def close(self) -> None:
        """Closes the file."""
        self._writer.close()

    def _write(self, step: int, **content: object) -> None:
        self._writer.write_event(Event(wall_time=time.time(), step=step, **content))
        self._writer.flush()
