"""Progress of long work: a live line in a terminal, plain lines elsewhere."""

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

SECONDS_BETWEEN_LINES = 10.0


class ProgressLine:
    """What is being done, how far it is, what it reads and how long it still takes.

    Args:
        what: For example "training".
        total: Steps of the work.
        done: Steps done before, in an earlier run.
        quiet: Whether to say nothing, because another process does.
    """

    def __init__(self, what: str, total: int, done: int = 0, *, quiet: bool = False) -> None:
        self.console = Console(highlight=False, quiet=quiet)
        self._what, self._total, self._first, self._done = what, total, done, done
        self._begun = time.monotonic()
        self._printed = 0.0
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[reading]}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self._task = self._bar.add_task(what, total=total, completed=done, reading="")

    def __enter__(self) -> "ProgressLine":
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def begin_at(self, done: int) -> None:
        """Corrects how many steps were done before."""
        self._first = self._done = done
        self._bar.update(self._task, completed=done)

    def update(self, done: int, reading: str = "") -> None:
        """Shows how far the work is and what it reads, for example "5.21 bits/dim"."""
        self._done = done
        self._bar.update(self._task, completed=done, reading=reading)
        now = time.monotonic()
        due = now - self._printed > SECONDS_BETWEEN_LINES or done == self._total
        if not self.console.is_terminal and due:
            self._printed = now
            left = (now - self._begun) / max(done - self._first, 1) * (self._total - done)
            parts = [f"{self._what} {done}/{self._total}", reading, f"{_clock(left)} left"]
            self.say("  ".join(part for part in parts if part))

    def say(self, message: str) -> None:
        """Prints a line of its own, above the bar where there is one."""
        self._bar.console.print(message, markup=False, soft_wrap=True)


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"
