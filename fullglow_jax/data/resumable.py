"""Batches of an endless sequence that can be entered at any number."""

from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeVar

from fullglow_jax.errors import UserError

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Reader(Protocol[T_co]):
    """A reader of batches in order, from some batch on."""

    def __next__(self) -> T_co:
        """The next one."""

    def close(self) -> None:
        """Stops reading ahead."""


class ResumableBatches(Iterator[T]):
    """An endless sequence of batches that can be entered at any batch.

    Its state, `{"next_batch": N}`, counts the batches that were handed out. It is the same for any
    number of threads, workers and processes; an error does not change it. Reading begins with the
    first batch that is asked for. The latest batch is kept, so that going back by one costs
    nothing.

    Args:
        read_from: Returns a reader that begins at a batch, counted from 0.
    """

    def __init__(self, read_from: Callable[[int], Reader[T]]) -> None:
        self._read_from = read_from
        self._reader: Reader[T] | None = None
        self._next = 0
        self._next_of_reader = 0
        self._latest: tuple[int, T] | None = None

    def __next__(self) -> T:
        """The next batch; raises whatever the reader raises."""
        if self._latest is None or self._latest[0] != self._next:
            self._latest = (self._next, self._read())
        self._next += 1
        return self._latest[1]

    def get_state(self) -> dict[str, int]:
        """The state, as JSON values."""
        return {"next_batch": self._next}

    def set_state(self, state: Any) -> None:
        """Returns to a state from `get_state`.

        Raises:
            UserError: If it is not such a state.
        """
        match state:
            case {"next_batch": int(place)} if place >= 0:
                self._next = place
            case _:
                raise UserError(
                    f"the checkpoint's place in the data is {state!r}, where "
                    "{'next_batch': N} was expected: another version of fullglow_jax wrote it. "
                    "Go on with that version, or start anew in another --workdir."
                )

    def close(self) -> None:
        """Stops reading ahead until another batch is asked for."""
        if self._reader is not None:
            reader, self._reader = self._reader, None
            reader.close()

    def _read(self) -> T:
        if self._next_of_reader != self._next:
            self.close()
        if self._reader is None:
            self._reader = self._read_from(self._next)
            self._next_of_reader = self._next
        try:
            batch = next(self._reader)
        except BaseException:
            self.close()
            raise
        self._next_of_reader += 1
        return batch
