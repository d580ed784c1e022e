"""Grain data sets read by worker processes, one per process."""

import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

import grain
from absl import flags

from fullglow_jax.errors import UserError
from fullglow_jax.workers import begin_worker

T = TypeVar("T")


class InProcesses(Iterator[T]):
    """Takes elements from several endless data sets in turn, each read ahead by its own process.

    Grain starts the processes; a thread waits for each of them, so that all start at once.

    Args:
        shares: A data set for each process; they are pickled, and must not raise.
        here: A function of their elements, called in this process.
    """

    def __init__(self, shares: Sequence[grain.IterDataset[Any]], here: Callable[[Any], T]) -> None:
        if not flags.FLAGS.is_parsed():  # Grain reads its own flags, even if none were given
            flags.FLAGS.mark_as_parsed()
        one = grain.multiprocessing.MultiprocessingOptions(num_workers=1)
        self._threads = ThreadPoolExecutor(len(shares), initializer=_leave_interrupts)
        # In threads, where Ctrl-C does not interrupt: Grain complains about half-made iterators.
        self._readers = list(
            self._threads.map(lambda share: iter(share.mp_prefetch(one, _begin).map(here)), shares)
        )
        self._coming = deque((reader, self._ask(reader)) for reader in self._readers)

    def __next__(self) -> T:
        """The next element.

        Raises:
            UserError: If a worker process died; also whatever `here` raises.
        """
        # After an interrupt here, it stays in the list for which `close` waits.
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
        # Else Grain would wait forever for an element of a process that is ending.
        wait([coming for _, coming in self._coming])
        self._coming.clear()  # frees their shared memory too
        list(self._threads.map(lambda reader: reader.close(), self._readers))
        self._threads.shutdown()

    def _ask(self, reader: grain.DatasetIterator[T]) -> Future[T]:
        return self._threads.submit(next, reader)


def _begin(index: int, count: int) -> None:
    begin_worker()


def _leave_interrupts() -> None:
    """Blocks Ctrl-C in this thread and in the workers that it starts.

    Workers call `begin_worker` only after a second of imports; until then, Ctrl-C would end them.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
