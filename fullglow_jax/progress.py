"""Progress of long work: a live line in a terminal, plain lines elsewhere."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
)
from rich.text import Text

from fullglow_jax.text_output import escaped

SECONDS_BETWEEN_LINES = 10.0


class ProgressLine:
    """A line with the work, its progress, a reading and the remaining time.

    So many steps were `done` in an earlier run. Some work pauses the steps: `pauses` are the names
    of such work and after how many steps each is due; all of it is due after the last. A `quiet`
    line prints nothing, because another process prints. The clock returns seconds.
    """

    def __init__(
        self,
        what: str,
        total: int,
        done: int = 0,
        *,
        pauses: Mapping[str, int] | None = None,
        quiet: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.console = Console(highlight=False, quiet=quiet)
        self._what, self._total, self._done = what, total, done
        self._clock = clock
        self._begun = self._updated = clock()
        self._printed = -math.inf
        self._from: tuple[int, float] | None = None  # (steps, time) from which to measure
        self._each: float | None = None  # seconds per step
        self._every = pauses or {}
        self._paused_at: dict[str, int] = {}  # the step of each pause's last time
        self._paused: dict[str, float] = {}  # and its seconds, from the second time on
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[reading]}"),
            _Left(self),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        shown = escaped(what, self.console.encoding)
        self._task = self._bar.add_task(shown, total=total, completed=done, reading="")

    def __enter__(self) -> "ProgressLine":
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def begin_at(self, done: int) -> None:
        """Corrects the number of steps done before."""
        self._done = done
        self._bar.update(self._task, completed=done)

    def measure_from(self, done: int) -> None:
        """Measures the time of steps from the first call of this or of `update`.

        The time before the end of the first step, mostly compilation, is not typical.
        """
        if self._from is None:
            self._from = done, self._clock()

    @contextmanager
    def pause(self, name: str) -> Iterator[None]:
        """Takes the time inside for a pause; its first time, with compilation, is not typical."""
        begun = self._clock()
        yield
        seconds = self._clock() - begun
        if name in self._paused_at:
            self._paused[name] = seconds
        self._paused_at[name] = self._done
        self._updated += seconds
        if self._from is not None:
            self._from = self._from[0], self._from[1] + seconds

    def update(self, done: int, reading: str = "") -> None:
        """Shows the progress and a reading, for example "5.21 bits/dim"."""
        now = self._clock()
        if self._from is not None and done > self._from[0]:
            self._each = (now - self._from[1]) / (done - self._from[0])
        self.measure_from(done)
        self._done, self._updated = done, now
        shown = escaped(reading, self.console.encoding)
        self._bar.update(self._task, completed=done, reading=shown)
        due = now - self._printed > SECONDS_BETWEEN_LINES or done == self._total
        if not self.console.is_terminal and due:
            self._printed = now
            parts = [f"{self._what} {done}/{self._total}", reading, self.left()]
            self.say("  ".join(part for part in parts if part))

    def left(self) -> str:
        """The remaining time, "0:01:30 left"; at the end, the time of all.

        It is empty until the time of a step is known.
        """
        now = self._clock()
        if self._done >= self._total:
            return f"in {_clock(now - self._begun)}"
        if self._each is None:
            return ""
        left = self._each * (self._total - self._done) - (now - self._updated)
        left += sum(seconds * self._times_left(name) for name, seconds in self._paused.items())
        return f"{_clock(max(left, 0.0))} left"

    def _times_left(self, name: str) -> int:
        """How many times a pause is still to come."""
        every, last = self._every[name], self._paused_at[name]
        after_the_last_step = self._total % every != 0 and last < self._total
        return self._total // every - last // every + after_the_last_step

    def say(self, message: str) -> None:
        """Prints a message on its own line, above the bar if there is one."""
        text = escaped(message, self.console.encoding)
        self.console.print(text, markup=False, soft_wrap=True)


class _Left(ProgressColumn):
    """The column of the remaining time."""

    def __init__(self, line: ProgressLine) -> None:
        super().__init__()
        self._line = line

    def render(self, task: Task) -> Text:
        return Text(self._line.left())


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"
