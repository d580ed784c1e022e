"""Resizes all pairs of a data set once and writes them down, for training to read them faster.

python -m fullglow_jax.data.prepare --config FILE [--config.data.root=DIR …] [--workers 8]
    [--verify]

Training with the same config finds them by itself. A run that was stopped goes on when the same
command is given again.
"""

import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from absl import flags
from ml_collections import ConfigDict

from fullglow_jax import cli
from fullglow_jax.data.file_pairs import FilePairs
from fullglow_jax.data.prepared import (
    CHECKSUMS,
    DATASET,
    Checksum,
    checksum,
    damage,
    prepared_folder,
)
from fullglow_jax.data.shards import Shard, features_of, make_shard, shards_of
from fullglow_jax.data.source import find_source, verified_source
from fullglow_jax.data.worker import begin_worker
from fullglow_jax.drafts import draft, swept, sync
from fullglow_jax.errors import UserError
from fullglow_jax.progress import ProgressLine

WORKERS = flags.DEFINE_integer(
    "workers", None, "Processes to resize in; as many as there are cores.", lower_bound=1
)
VERIFY = flags.DEFINE_bool("verify", False, "Read what is prepared already, and mend it.")


def main(argv: Sequence[str]) -> None:
    """Parses flags and prepares."""
    config = cli.parse_config(argv)
    # Not at the top, which every worker runs: it takes JAX along.
    from fullglow_jax.models import build_architecture

    boundary = build_architecture(config).boundary
    prepare(config.data, boundary=boundary, workers=WORKERS.value, verify=VERIFY.value)


def prepare(
    data_config: ConfigDict, *, boundary: bool, workers: int | None = None, verify: bool = False
) -> None:
    """Makes sure that the pairs of every split there is are prepared.

    Args:
        data_config: `config.data`.
        boundary: Whether pairs carry boundary maps.
        workers: Processes to work in; as many as there are cores where None is given. With 1,
            everything happens in this process.
        verify: Whether to read what is prepared already, rather than to compare lengths of files.

    Raises:
        UserError: The data has faults, is not made of image files, or there is no room to write.
    """
    splits = ["train", "val"]
    with suppress(UserError):
        find_source(data_config, "test", boundary=boundary)
        splits.append("test")
    for split in splits:
        source = verified_source(data_config, split, boundary=boundary)
        if not isinstance(source, FilePairs):
            raise UserError(
                f"config.data.name={data_config.name!r} is not made of image files. There is "
                "nothing to prepare: it is read as it is."
            )
        folder = prepared_folder(source, data_config, split)
        with _explained(folder):
            _prepare_split(source, split, folder, workers or _cores(), verify)


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
    """Makes the shards that are not there yet, and tells how far it is."""
    total = sum(len(shard.pairs) for shard in shards)
    done, checksums = 0, {}
    with ProgressLine(f"preparing {split}", total) as progress:
        for shard, made in _each_made(shards, min(workers, len(shards))):
            checksums[shard.path.name] = made
            done += len(shard.pairs)
            progress.update(done)
    return checksums


def _each_made(shards: list[Shard], workers: int) -> Iterator[tuple[Shard, Checksum]]:
    """Makes shards in this process or several, and yields them as they are there."""
    if workers == 1:
        yield from ((shard, make_shard(shard)) for shard in shards)
        return
    # Not 'fork', which may deadlock where other threads run.
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
    """Writes what TFDS needs, and then the checksums, which say that the folder is whole."""
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
        path.write_text(json.dumps(stored, indent=2, sort_keys=True) + "\n")


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


def _cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


if __name__ == "__main__":
    cli.run(main)
