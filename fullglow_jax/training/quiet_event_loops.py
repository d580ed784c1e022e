"""One error for a damaged checkpoint, where Orbax would print many."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class _QuietLoop(asyncio.SelectorEventLoop):
    """Takes no notice of what it is told once it is closed."""

    def call_soon_threadsafe(  # type: ignore[override]
        self, *args: Any, **kwargs: Any
    ) -> asyncio.Handle:
        try:
            return super().call_soon_threadsafe(*args, **kwargs)
        except RuntimeError:
            if not self.is_closed():
                raise
            return asyncio.Handle(args[0], args[1:], self)

    def call_exception_handler(self, context: Any) -> None:
        if not self.is_closed():
            super().call_exception_handler(context)


@contextmanager
def quiet_event_loops() -> Iterator[None]:
    """Lets the first failure of a read be the only one that is heard of.

    Orbax reads all arrays of a checkpoint at once, in an event loop of its own. Where one read
    fails it closes the loop under the others, and each of these would print a traceback from a
    thread where nobody can catch it. The first failure is raised as ever.
    """
    new_event_loop = asyncio.new_event_loop
    asyncio.new_event_loop = _QuietLoop
    try:
        yield
    finally:
        asyncio.new_event_loop = new_event_loop
