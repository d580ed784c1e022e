"""Grain data sets read by worker processes, one each."""

import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

import grain
from absl import flags

from fullglow_jax.data.worker import begin_worker
from fullglow_jax.errors import UserError

T = TypeVar("T")


class InProcesses(Iterator[T]):
    """Takes from several endless data sets in turn, each read ahead by a process of its own.

    Grain starts the processes; a thread waits for each of them, so that all start at once.

    Args:
        shares: A data set for each process; they are pickled, and are not to raise.
        here: What is made of their elements in this process.
    """

    def __init__(self, shares: Sequence[grain.IterDataset[Any]], here: Callable[[Any], T]) -> None:
        if not flags.FLAGS.is_parsed():  # Grain asks for flags of its own, where none were given
            flags.FLAGS.mark_as_parsed()
        one = grain.multiprocessing.MultiprocessingOptions(num_workers=1)
        self._threads = ThreadPoolExecutor(len(shares), initializer=_leave_interrupts)
        # In threads, which Ctrl-C does not reach: Grain complains of iterators that are half made.
        self._readers = list(
            self._threads.map(lambda share: iter(share.mp_prefetch(one, _begin).map(here)), shares)
        )
        self._coming = deque((reader, self._ask(reader)) for reader in self._readers)

    def __next__(self) -> T:
        """The next element.

        Raises:
            UserError: A worker process died; or whatever `here` raises.
        """
        # Interrupted, it stays among those that `close` waits for.
        reader, coming = self._coming[0]
        try:
            element = coming.result()
        except RuntimeError as error:
            if "process was terminated unexpectedly" not in str(error):
                raise
            raise UserError(
                "a worker process that reads data died, for want of memory perhaps, or of room in "
                "/dev/shm. Set fewer --config.data.workers; with 0, this process reads."
            ) from error
        self._coming.popleft()
        self._coming.append((reader, self._ask(reader)))
        return element

    def close(self) -> None:
        """Ends the processes."""
        # Grain would wait forever for an element of a process that was told to end.
        wait([coming for _, coming in self._coming])
        self._coming.clear()  # and with them their shared memory
        list(self._threads.map(_close, self._readers))
        self._threads.shutdown()

    def _ask(self, reader: grain.DatasetIterator[T]) -> Future[T]:
        return self._threads.submit(next, reader)


def _begin(index: int, count: int) -> None:
    begin_worker()


def _leave_interrupts() -> None:
    """Blocks Ctrl-C in this thread, and so in what it starts: workers would die of it on their way.

    They inherit it, where `begin_worker` runs only after a second of imports.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def _close(reader: grain.DatasetIterator[Any]) -> None:
    reader.close()
