"""The pipeline from pairs to batches: shuffled and endless for training, one pass for evaluation.

Grain reads ahead, in threads and for training in worker processes too. The order of pairs depends
on the seed only, never on timing.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from typing import Any, NamedTuple

import grain
import jax
import numpy as np

from fullglow_jax.data.boundary import boundary_pyramid
from fullglow_jax.data.fitting import cut
from fullglow_jax.data.in_processes import InProcesses
from fullglow_jax.data.options import check_annotations
from fullglow_jax.data.pair import Pair, PairSource
from fullglow_jax.data.resumable import Reader, ResumableBatches
from fullglow_jax.errors import UserError
from fullglow_jax.models.annotations import NO_ANNOTATIONS, Annotations
from fullglow_jax.models.batch import Batch


class HostBatch(NamedTuple):
    """A batch of NumPy arrays, with values that stay on the host.

    Attributes:
        batch: The examples.
        names: The examples' names.
        valid: bool (B,), False for the repeats that fill up an evaluation's last batch.
    """

    batch: Batch
    names: list[str]
    valid: np.ndarray


def training_batches(
    source: PairSource,
    *,
    batch_size: int,
    seed: int,
    threads: int,
    workers: int = 0,
    annotations: Annotations = NO_ANNOTATIONS,
    flip: bool = False,
    size: tuple[int, int] | None = None,
    process_index: int = 0,
    process_count: int = 1,
) -> ResumableBatches[HostBatch]:
    """Endless batches; every epoch is a new shuffle of the whole source.

    A batch may have examples of two epochs, so all have `batch_size` examples and none is left out.
    `set_state({"next_batch": N})` makes any batch the next; its pairs depend on the seed, the
    batch size and the source. `close()` ends threads and workers.

    Args:
        source: The source of pairs.
        batch_size: Examples in a batch, over all processes.
        seed: Seed of the order, which else depends on the source's length only.
        threads: Threads that read ahead; 0 reads in the caller's thread.
        workers: Processes that read whole batches ahead, each with that many threads; 0 reads in
            this process.
        annotations: Annotations of the batches; the source's pairs must have them.
        flip: Whether examples are mirrored left to right, with all their images, at a chance of ½.
        size: (H, W) that is cut out of all images of an example, at a random place; the pairs'
            own size if not given.
        process_index: Index of this process. It gets consecutive rows of each batch, so that the
            whole batches are the same for any number of processes.
        process_count: Number of processes that share the batches.

    Returns:
        An iterator of batches of batch_size / process_count examples; nothing is read yet.

    Raises:
        UserError: If an argument is out of range; from the iterator, whatever the source raises.
    """
    rows = _rows_per_process(batch_size, process_count)
    _check(len(source) > 0, "there is nothing to train on: the data source is empty.")
    # Grain adds the epoch's number to the shuffle's seed: without the hash, seed 1 would begin with
    # the second epoch of seed 0.
    shuffle_seed, chance_seed = map(int, np.random.SeedSequence(seed).generate_state(2))
    places = grain.MapDataset.range(len(source)).shuffle(seed=shuffle_seed).repeat()
    # Before the order is divided among processes, so that their number has no effect.
    order = places.random_map(partial(_by_chance, flip), seed=chance_seed)
    share = _Turns(order, rows, process_index, process_count)

    def read_from(batch: int) -> Reader[HostBatch]:
        rest = share.slice(slice(batch * rows, None))
        if not workers:
            return iter(_read(rest, source, rows, threads, annotations, size).map(_raised))
        turns = [_Turns(rest, rows, worker, workers) for worker in range(workers)]
        shares = [_read(turn, source, rows, threads, annotations, size) for turn in turns]
        return InProcesses(shares, here=_owned)

    return ResumableBatches(read_from)


def evaluation_batches(
    source: PairSource,
    *,
    batch_size: int,
    threads: int,
    annotations: Annotations = NO_ANNOTATIONS,
    limit: int | None = None,
    process_index: int = 0,
    process_count: int = 1,
) -> Iterator[HostBatch]:
    """One pass in the source's order, all batches of one shape.

    The last example is repeated to fill the last batch; `valid` is False for the repeats.

    Args:
        source: The source of pairs.
        batch_size: Examples in a batch, over all processes.
        threads: Threads that read ahead; 0 reads in the caller's thread.
        annotations: Annotations of the batches; the source's pairs must have them.
        limit: Stop after this many examples; None takes all.
        process_index: Index of this process, which gets consecutive rows of each batch.
        process_count: Number of processes that share the batches.

    Returns:
        An iterator of batches of batch_size / process_count examples, with `valid`.

    Raises:
        UserError: If an argument is out of range; from the iterator, whatever the source raises.
    """
    rows = _rows_per_process(batch_size, process_count)
    _check(len(source) > 0, "there is nothing to evaluate: the data source is empty.")
    count = len(source) if limit is None else min(limit, len(source))
    steps = -(-count // batch_size)
    order = grain.MapDataset.range(steps * batch_size).map(
        lambda index: _Place(min(index, count - 1), valid=index < count)
    )
    share = _Turns(order, rows, process_index, process_count)
    return _until_closed(iter(_read(share, source, rows, threads, annotations).map(_raised)))


def collate(pairs: Sequence[Pair], annotations: Annotations = NO_ANNOTATIONS) -> HostBatch:
    """One batch of the given pairs, in their order."""
    return _stack([_row(pair, annotations) for pair in pairs])


class _Place(NamedTuple):
    """An example's index in the source, and how it is used."""

    number: int
    mirrored: bool = False
    at: tuple[float, float] = (0.0, 0.0)
    valid: bool = True


def _by_chance(flip: bool, number: int, rng: np.random.Generator) -> _Place:
    """An example of training: mirrored or not, and cut somewhere."""
    mirrored = bool(rng.integers(2))
    y, x = rng.random(2)
    return _Place(number, flip and mirrored, (float(y), float(x)))


_Row = tuple[Batch, str, bool]
"""One example of a batch: its arrays without the first axis, its name, and whether it is valid."""


class _Turns(grain.MapDataset[_Place]):
    """One of `count` shares of an order that is divided in turns of `rows` examples.

    A process' share is its consecutive rows of every batch; a worker's share is whole batches.
    """

    def __init__(self, order: grain.MapDataset[_Place], rows: int, index: int, count: int) -> None:
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
    order: grain.MapDataset[_Place],
    source: PairSource,
    rows: int,
    threads: int,
    annotations: Annotations,
    size: tuple[int, int] | None = None,
) -> grain.IterDataset[HostBatch | UserError]:
    """Batches, or the error of one of their examples.

    Errors go through threads and processes as elements: if they were raised there, they would keep
    batches that were read ahead in memory, or get lost.
    """

    def row(place: _Place) -> _Row | UserError:
        try:
            pair = source[place.number]
            if size is not None:
                pair = _each_image(pair, lambda image: cut(image, size, place.at))
            if place.mirrored:
                pair = _each_image(pair, lambda image: np.flip(image, 1))
            return _row(pair, annotations, place.valid)
        except UserError as error:
            return error.with_traceback(None)

    # Two batches ahead: one is ready while the other is being read.
    ahead = 2 * max(rows, threads) if threads else 0
    options = grain.ReadOptions(num_threads=threads, prefetch_buffer_size=ahead)
    return order.map(row).to_iter_dataset(options).batch(rows, batch_fn=_stack_unless_bad)


def _stack_unless_bad(rows: Sequence[Any]) -> HostBatch | UserError:
    errors = (row for row in rows if isinstance(row, UserError))
    return next(errors, None) or _stack(rows)


def _raised(host: HostBatch | UserError) -> HostBatch:
    if isinstance(host, UserError):
        raise host
    return host


def _owned(host: HostBatch | UserError) -> HostBatch:
    """A copy in this process's own memory: shared memory is short and must be freed."""
    batch, names, valid = _raised(host)
    return HostBatch(jax.tree.map(np.array, batch), names, np.array(valid))


def _each_image(pair: Pair, change: Callable[[np.ndarray], np.ndarray]) -> Pair:
    images: Any = {key: change(x) for key, x in pair.items() if isinstance(x, np.ndarray)}
    return {**pair, **images}


def _row(pair: Pair, annotations: Annotations, valid: bool = True) -> _Row:
    given: Any = pair
    check_annotations(annotations, there=pair)
    found: dict[str, Any] = {}
    for name in annotations.names:
        if name == "boundary":
            found[name] = boundary_pyramid(pair["boundary"], annotations)
        else:
            found[name] = np.asarray(given[name], np.int32)
    return Batch(pair["condition"], pair["target"], **found), pair["name"], valid


def _stack(rows: Sequence[_Row]) -> HostBatch:
    batches, names, valid = zip(*rows, strict=True)
    stacked = jax.tree.map(lambda *arrays: np.stack(arrays), *batches)
    return HostBatch(stacked, list(names), np.array(valid))


def _until_closed(batches: grain.DatasetIterator[HostBatch]) -> Iterator[HostBatch]:
    with closing(batches):
        yield from batches


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
