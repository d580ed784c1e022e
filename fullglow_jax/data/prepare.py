"""Preparation of a data set: all pairs are resized once, for faster training."""

import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from fullglow_jax.data.file_pairs import FilePairs, same_files
from fullglow_jax.data.prepared import (
    CHECKSUMS,
    DATASET,
    Checksum,
    checksum,
    damage,
    prepared_folder,
)
from fullglow_jax.data.shards import Shard, features_of, make_shard, shards_of
from fullglow_jax.data.source import checked_source, find_source
from fullglow_jax.errors import UserError
from fullglow_jax.files.drafts import draft, swept, sync
from fullglow_jax.models.annotations import NO_ANNOTATIONS, Annotations
from fullglow_jax.progress import ProgressLine
from fullglow_jax.workers import begin_worker, cores


def prepare(
    data_config: ConfigDict,
    annotations: Annotations = NO_ANNOTATIONS,
    *,
    workers: int | None = None,
    verify: bool = False,
) -> None:
    """Prepares the pairs of every split, if they are not prepared yet.

    Args:
        data_config: `config.data`.
        annotations: Annotations of the pairs.
        workers: Number of processes; None for the number of cores. With 1, everything happens in
            this process.
        verify: Whether to read prepared files again, instead of comparing only their lengths.

    Raises:
        UserError: If the data has faults or is not made of image files, or the disk is full.
    """
    splits = ["train", "val"]
    with suppress(UserError):
        val, test = (find_source(data_config, split, annotations) for split in ("val", "test"))
        if not same_files(val, test):
            splits.append("test")
    for split in splits:
        training = split == "train"
        source = checked_source(data_config, split, annotations, training=training)
        if not isinstance(source, FilePairs):
            raise UserError(
                f"config.data.name={data_config.name!r} is not made of image files. There is "
                "nothing to prepare: it is read as it is."
            )
        folder = prepared_folder(source, data_config, split)
        with _explained(folder):
            _prepare_split(source, split, folder, workers or cores(), verify)


def _prepare_split(source: FilePairs, split: str, folder: Path, workers: int, verify: bool) -> None:
    wrong = damage(folder, thorough=verify)
    if wrong == {}:
        print(f"{split}: already prepared, {len(source)} pairs in {folder}", flush=True)
        return
    for name, what in (wrong or {}).items():
        print(f"{split}: {folder / name} {what}; made again", flush=True)
        (folder / name).unlink(missing_ok=True)

    folder.mkdir(parents=True, exist_ok=True)
    with swept(folder):
        shards = shards_of(source, split, folder)
        checksums = _made(shards, split, workers)
        _write_metadata(shards, split, folder, checksums)
    size = sum(each.length for each in checksums.values()) / 2**20
    print(f"{split}: {len(source)} pairs, {size:.1f} MiB in {folder}", flush=True)


def _made(shards: list[Shard], split: str, workers: int) -> dict[str, Checksum]:
    """Makes the missing shards, with a progress line."""
    total = sum(len(shard.pairs) for shard in shards)
    done, checksums = 0, {}
    with ProgressLine(f"preparing {split}", total) as progress:
        for shard, made in _each_made(shards, min(workers, len(shards))):
            checksums[shard.path.name] = made
            done += len(shard.pairs)
            progress.update(done)
    return checksums


def _each_made(shards: list[Shard], workers: int) -> Iterator[tuple[Shard, Checksum]]:
    """Makes shards in this process or several, and yields each when it is ready."""
    if workers == 1:
        yield from ((shard, make_shard(shard)) for shard in shards)
        return
    # Not 'fork', which may deadlock if other threads run.
    context = get_context("spawn")
    stop = context.Event()
    pool = ProcessPoolExecutor(
        workers, mp_context=context, initializer=_begin_worker, initargs=(stop,)
    )
    try:
        futures = {pool.submit(_make_in_worker, shard): shard for shard in shards}
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


_stop: Any = None
"""In a worker, the event that tells it to stop."""


def _begin_worker(stop: Any) -> None:
    global _stop
    _stop = stop
    begin_worker()


def _make_in_worker(shard: Shard) -> Checksum:
    return make_shard(shard, _stop.is_set)


def _write_metadata(
    shards: list[Shard], split: str, folder: Path, checksums: dict[str, Checksum]
) -> None:
    """Writes TFDS' metadata, and then the checksums, which mark the folder as complete."""
    import tensorflow_datasets as tfds

    names = tfds.core.ShardedFileTemplate(
        data_dir=folder, dataset_name=DATASET, split=split, filetype_suffix="array_record"
    )
    info = tfds.core.SplitInfo(
        name=split,
        shard_lengths=[len(shard.pairs) for shard in shards],
        num_bytes=sum(each.length for each in checksums.values()),
        filename_template=names,
    )
    tfds.folder_dataset.write_metadata(
        data_dir=folder,
        features=features_of(shards[0].pairs),
        split_infos=[info],
        version="1.0.0",
        check_data=False,  # by TensorFlow
    )
    for path in (folder / "dataset_info.json", folder / "features.json"):
        sync(path)
        checksums[path.name] = checksum(path)
    stored = {name: each._asdict() for name, each in checksums.items()}
    with draft(folder / CHECKSUMS) as path:
        path.write_text(json.dumps(stored, indent=2, sort_keys=True) + "\n", encoding="utf-8")


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(
            f"cannot write to {folder}: {error}.\nMake room there, or name a folder where there is "
            "some, and that may be written to, with --config.data.prepared=DIR, here and in "
            "training. The same command goes on where this one stopped."
        ) from error
    except BrokenProcessPool as error:
        raise UserError(
            "a worker process died, for want of memory perhaps. Run the same command again, which "
            "goes on where this one stopped, with fewer --workers."
        ) from error


if __name__ == "__main__":  # python -m fullglow_jax.data.prepare
    from fullglow_jax.commands.prepare import run

    run()
