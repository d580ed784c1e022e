"""Calls of Orbax without lasting effects on the process."""

import asyncio
import logging
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock
from typing import TypeVar

T = TypeVar("T")

ORBAX = "orbax"
"""The package's name."""


def call(function: Callable[[], T]) -> T:
    """Calls a function of Orbax within `confined` and `root_log_kept`, and returns its result.

    If this thread already runs an event loop, as in a notebook, Orbax would patch asyncio for
    good; then the call is made in a new thread.
    """
    with confined(), root_log_kept():
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return function()
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(function).result()


@contextmanager
def confined() -> Iterator[None]:
    """Inside this context, in all threads, Orbax's event loops finish and its log is silent.

    Orbax logs every array and every error, but all important errors are also raised. It reads and
    writes all arrays of a checkpoint at once, in its own event loops. If one array fails, Orbax
    closes the loop while others are still at work, and each of these would print a traceback that
    nobody can catch. Here the others end first; then the first failure is raised as usual. Loops
    and logs of other packages do not change, and the changes end with the context.
    """
    silence = _Silence()
    log = logging.getLogger("absl")
    log.addFilter(silence)
    _loops.begin()
    try:
        yield
    finally:
        _loops.end()
        log.removeFilter(silence)


@contextmanager
def root_log_kept() -> Iterator[None]:
    """Removes a handler that absl adds to a root logger without handlers.

    Orbax logs through absl as soon as it is imported. With the handler, the user's own
    configuration of logging afterwards would have no effect.
    """
    bare = not logging.root.handlers
    try:
        yield
    finally:
        if bare:
            for handler in [*logging.root.handlers]:
                logging.root.removeHandler(handler)


class _Silence(logging.Filter):
    """Lets only records of other packages through."""

    def filter(self, record: logging.LogRecord) -> bool:
        return f"/{ORBAX}/" not in record.pathname


class _FinishingLoop(asyncio.SelectorEventLoop):
    """An event loop that lets all its tasks end, well or not, before it closes."""

    def close(self) -> None:
        if not self.is_closed() and not self.is_running():
            pending = asyncio.all_tasks(self)
            if pending:
                self.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
        super().close()


class _Loops:
    """Gives Orbax finishing loops from the first `begin` to the last `end`."""

    def __init__(self) -> None:
        self._lock, self._inside = Lock(), 0

    def begin(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside > 1:
                return
            usual = self._usual = asyncio.new_event_loop

            def new_event_loop() -> asyncio.AbstractEventLoop:
                caller = sys._getframe(1).f_globals.get("__name__", "")
                return _FinishingLoop() if caller.split(".")[0] == ORBAX else usual()

            asyncio.new_event_loop = self._ours = new_event_loop

    def end(self) -> None:
        with self._lock:
            self._inside -= 1
            # If somebody else has replaced it since, theirs stays.
            if not self._inside and asyncio.new_event_loop is self._ours:
                asyncio.new_event_loop = self._usual


_loops = _Loops()
