"""One error for a checkpoint that cannot be read or written, where Orbax would print many."""

import asyncio


class _FinishingLoop(asyncio.SelectorEventLoop):
    """Lets everything that was begun in it end before it closes, whatever the outcome."""

    def close(self) -> None:
        if not self.is_closed() and not self.is_running():
            pending = asyncio.all_tasks(self)
            if pending:
                self.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
        super().close()


def finish_loops() -> None:
    """Lets the first failure of a read or write be the only one that is heard of, from now on.

    Orbax reads and writes all arrays of a checkpoint at once, in event loops of its own, in threads
    of its own. Where one array fails it closes the loop under the others, and each of these would
    print a traceback where nobody can catch it. Here the others end first; the first failure is
    raised as ever.
    """
    asyncio.new_event_loop = _FinishingLoop
