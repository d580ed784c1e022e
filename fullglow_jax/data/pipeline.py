"""From a source of pairs to batches: shuffled and endless for training, one pass for evaluation.

Grain reads ahead, in threads and for training in worker processes too; which pair comes when
depends on the seed alone, never on timing.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NotRequired, TypedDict

import grain
import numpy as np

from fullglow_jax.data.boundary import BoundarySpec, boundary_pyramid
from fullglow_jax.data.in_processes import InProcesses
from fullglow_jax.data.pair import Pair, PairSource
from fullglow_jax.data.resumable import Reader, ResumableBatches
from fullglow_jax.errors import UserError


class Batch(TypedDict):
    """Pairs stacked along a new first axis.

    Attributes:
        condition: uint8 (B, H, W, 3).
        target: uint8 (B, H, W, 3).
        boundary: uint8 (B, h, w, 3) for each level; empty where no boundary maps are used.
        name: B names.
        valid: bool (B,), False for the repeats that fill up an evaluation's last batch; only in
            evaluation batches.
    """

    condition: np.ndarray
    target: np.ndarray
    boundary: tuple[np.ndarray, ...]
    name: list[str]
    valid: NotRequired[np.ndarray]


class _Example(TypedDict):
    """A pair with its boundary map already at every level's size."""

    condition: np.ndarray
    target: np.ndarray
    boundary: tuple[np.ndarray, ...]
    name: str


def training_batches(
    source: PairSource,
    *,
    batch_size: int,
    seed: int,
    threads: int,
    workers: int = 0,
    boundary: BoundarySpec | None = None,
    flip: bool = False,
    process_index: int = 0,
    process_count: int = 1,
) -> ResumableBatches[Batch]:
    """Endless batches, every epoch a fresh shuffle of the whole source.

    Batches run across the ends of epochs, so all have `batch_size` examples and none is left out.
    Any of them can be read (again) through `set_state({"next_batch": N})`; which pairs it holds
    depends on the seed, the batch size and the source. `close()` ends threads and workers.

    Args:
        source: Where pairs come from.
        batch_size: Examples in a batch, over all processes.
        seed: Decides the order, together with the source's length alone.
        threads: Threads that read ahead; 0 reads in the caller's own.
        workers: Processes that read whole batches ahead, with so many threads each; 0 reads in
            this process.
        boundary: The boundary maps to add, where the source's pairs carry them.
        flip: Whether every second example, by chance, is mirrored left to right, all its images.
        process_index: Which process this is. It gets consecutive rows of each batch, so the
            batches, put together, are the same for any number of processes.
        process_count: How many processes share the batches.

    Returns:
        An iterator of batches of batch_size / process_count examples; nothing is read yet.

    Raises:
        UserError: An argument is out of range; from the iterator, whatever the source raises.
    """
    rows = _rows_per_process(batch_size, process_count)
    _check(threads >= 0, f"the number of reading threads must be 0 or more, not {threads}.")
    _check(workers >= 0, f"config.data.workers={workers} must be 0 or more processes.")
    _check(len(source) > 0, "there is nothing to train on: the data source is empty.")
    _check(seed >= 0, f"the data seed must be 0 or more, not {seed}.")
    # Grain adds the epoch's number to the shuffle's seed: unhashed, seed 1 would begin with the
    # second epoch of seed 0.
    of_shuffle, of_flips = map(int, np.random.SeedSequence(seed).generate_state(2))
    places = grain.MapDataset.range(len(source)).shuffle(seed=of_shuffle).repeat()
    # Before the processes' shares are taken, so that their number decides nothing.
    order = places.random_map(
        lambda index, rng: (index, flip and bool(rng.integers(2))), seed=of_flips
    )
    share = _Turns(order, rows, process_index, process_count)

    def read_from(batch: int) -> Reader[Batch]:
        rest = share.slice(slice(batch * rows, None))
        if not workers:
            return iter(_read(rest, source, rows, threads, boundary).map(_raised))
        turns = [_Turns(rest, rows, worker, workers) for worker in range(workers)]
        shares = [_read(turn, source, rows, threads, boundary) for turn in turns]
        return InProcesses(shares, here=_owned)

    return ResumableBatches(read_from)


def evaluation_batches(
    source: PairSource,
    *,
    batch_size: int,
    threads: int,
    boundary: BoundarySpec | None = None,
    limit: int | None = None,
    process_index: int = 0,
    process_count: int = 1,
) -> Iterator[Batch]:
    """One pass in the source's order, all batches of one shape.

    The last example is repeated to fill the last batch; `valid` is False for the repeats.

    Args:
        source: Where pairs come from.
        batch_size: Examples in a batch, over all processes.
        threads: Threads that read ahead; 0 reads in the caller's own.
        boundary: The boundary maps to add, where the source's pairs carry them.
        limit: Stop after this many examples; None takes all.
        process_index: Which process this is; it gets consecutive rows of each batch.
        process_count: How many processes share the batches.

    Returns:
        An iterator of batches of batch_size / process_count examples, with `valid`.

    Raises:
        UserError: An argument is out of range; from the iterator, whatever the source raises.
    """
    rows = _rows_per_process(batch_size, process_count)
    _check(threads >= 0, f"the number of reading threads must be 0 or more, not {threads}.")
    _check(len(source) > 0, "there is nothing to evaluate: the data source is empty.")
    _check(limit is None or limit > 0, f"the limit must be 1 or more examples, not {limit}.")
    count = len(source) if limit is None else min(limit, len(source))
    steps = -(-count // batch_size)
    order = grain.MapDataset.range(steps * batch_size).map(
        lambda index: (min(index, count - 1), False)
    )
    share = _Turns(order, rows, process_index, process_count)
    return _with_valid(
        iter(_read(share, source, rows, threads, boundary).map(_raised)),
        first=process_index * rows + np.arange(rows),
        batch_size=batch_size,
        count=count,
    )


def collate(pairs: Sequence[Pair], boundary: BoundarySpec | None = None) -> Batch:
    """Makes one batch of the pairs given, in their order."""
    return _stack([_prepare(pair, boundary) for pair in pairs])


Place = tuple[int, bool]
"""An example's index, and whether it is mirrored."""


class _Turns(grain.MapDataset[Place]):
    """One of `count` shares of an order that is dealt out in runs of `rows`.

    A process' share are its consecutive rows of every batch; a worker's, whole batches.
    """

    def __init__(self, order: grain.MapDataset[Place], rows: int, index: int, count: int) -> None:
        super().__init__(order)
        self._rows = rows
        self._index = index
        self._count = count

    def __len__(self) -> int:
        return len(self._parent) // self._count

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self.slice(index)
        step, row = divmod(index, self._rows)
        return self._parent[(step * self._count + self._index) * self._rows + row]


def _read(
    order: grain.MapDataset[Place],
    source: PairSource,
    rows: int,
    threads: int,
    boundary: BoundarySpec | None,
) -> grain.IterDataset[Batch | UserError]:
    """Batches, or what is wrong with one of their examples.

    An error is an element like any other, on its way through threads and processes: raised there,
    it would keep alive what they had read ahead, or get lost between them.
    """

    def example(place: Place) -> _Example | UserError:
        try:
            return _prepare(_mirrored(source[place[0]], place[1]), boundary)
        except UserError as error:
            return error.with_traceback(None)

    # Two batches ahead: one ready while the other is being read.
    ahead = 2 * max(rows, threads) if threads else 0
    options = grain.ReadOptions(num_threads=threads, prefetch_buffer_size=ahead)
    return order.map(example).to_iter_dataset(options).batch(rows, batch_fn=_stack_unless_bad)


def _stack_unless_bad(examples: Sequence[_Example | UserError]) -> Batch | UserError:
    good: list[_Example] = []
    for example in examples:
        if isinstance(example, UserError):
            return example
        good.append(example)
    return _stack(good)


def _raised(batch: Batch | UserError) -> Batch:
    if isinstance(batch, UserError):
        raise batch
    return batch


def _owned(batch: Batch | UserError) -> Batch:
    """In memory of this process: what processes share is short, and must not be left behind."""
    shared = _raised(batch)
    return {
        **shared,
        "condition": np.array(shared["condition"]),
        "target": np.array(shared["target"]),
        "boundary": tuple(map(np.array, shared["boundary"])),
    }


def _mirrored(pair: Pair, mirror: bool) -> Pair:
    if not mirror:
        return pair
    images: Any = {key: np.flip(x, 1) for key, x in pair.items() if isinstance(x, np.ndarray)}
    return {**pair, **images}


def _prepare(pair: Pair, boundary: BoundarySpec | None) -> _Example:
    levels: tuple[np.ndarray, ...] = ()
    if boundary is not None:
        if "boundary" not in pair:
            raise ValueError("boundary levels asked of a source built with boundary=False")
        levels = boundary_pyramid(pair["boundary"], boundary.sizes, boundary.ceil)
    return {
        "condition": pair["condition"],
        "target": pair["target"],
        "boundary": levels,
        "name": pair["name"],
    }


def _stack(examples: Sequence[_Example]) -> Batch:
    return {
        "condition": np.stack([example["condition"] for example in examples]),
        "target": np.stack([example["target"] for example in examples]),
        "boundary": tuple(
            np.stack(level)
            for level in zip(*(example["boundary"] for example in examples), strict=True)
        ),
        "name": [example["name"] for example in examples],
    }


def _with_valid(
    batches: grain.DatasetIterator[Batch], first: np.ndarray, batch_size: int, count: int
) -> Iterator[Batch]:
    try:
        for step, batch in enumerate(batches):
            batch["valid"] = first + step * batch_size < count
            yield batch
    finally:
        batches.close()


def _rows_per_process(batch_size: int, process_count: int) -> int:
    _check(batch_size > 0, f"the batch size must be 1 or more, not {batch_size}.")
    _check(
        batch_size % process_count == 0,
        f"the batch size {batch_size} does not divide among {process_count} processes: "
        f"choose a multiple of {process_count}.",
    )
    return batch_size // process_count


def _check(holds: bool, message: str) -> None:
    if not holds:
        raise UserError(message)
