"""Compilation of the page's operations, while the page is served."""

import sys
import traceback
from collections.abc import Callable, Mapping
from threading import Event, Thread


class WarmUp:
    """Calls every operation once, one after the other, in a thread of its own.

    Args:
        calls: A call of each operation, under what visitors call it; the first compiles first.
    """

    def __init__(self, calls: Mapping[str, Callable[[], object]]) -> None:
        self._calls = dict(calls)
        self._compiling: dict[str, Event] = {}

    def start(self) -> None:
        """Begins; until this is called, nobody waits for anything."""
        self._compiling = {name: Event() for name in self._calls}
        Thread(target=self._run, daemon=True).start()

    def wait_for(self, name: str) -> None:
        """Returns when an operation is compiled: a second thread would compile it once more."""
        if name in self._compiling:
            self._compiling[name].wait()

    @property
    def unfinished(self) -> list[str]:
        """The operations that are not compiled yet."""
        return [name for name, compiled in self._compiling.items() if not compiled.is_set()]

    def _run(self) -> None:
        for name, call in self._calls.items():
            try:
                call()
            except Exception:  # its first visitor is told why
                print(f"{name} could not be compiled:", file=sys.stderr)
                traceback.print_exc()
            finally:
                self._compiling[name].set()
