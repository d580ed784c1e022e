"""One error for a damaged checkpoint, where Orbax would print many."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class _FinishingLoop(asyncio.SelectorEventLoop):
    """Lets everything that was begun in it end before it closes, whatever the outcome."""

    def close(self) -> None:
        if not self.is_closed() and not self.is_running():
            pending = asyncio.all_tasks(self)
            if pending:
                self.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
        super().close()


@contextmanager
def finishing_loops() -> Iterator[None]:
    """Lets the first failure of a read be the only one that is heard of.

    Orbax reads all arrays of a checkpoint at once, in an event loop of its own. Where one read
    fails it closes the loop under the others, and each of these would print a traceback where
    nobody can catch it. Here the others end first; the first failure is raised as ever.
    """
    new_event_loop = asyncio.new_event_loop
    asyncio.new_event_loop = _FinishingLoop
    try:
        yield
    finally:
        asyncio.new_event_loop = new_event_loop
