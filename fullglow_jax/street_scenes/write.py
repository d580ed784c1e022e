"""Sets of street scenes on disk, in the layout of Cityscapes."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from fullglow_jax.errors import UserError
from fullglow_jax.files.drafts import PREFIX, SUFFIX, draft, sweep
from fullglow_jax.palette import COLOURS
from fullglow_jax.progress import ProgressLine
from fullglow_jax.street_scenes.scene import SPLITS, scene
from fullglow_jax.workers import begin_worker, cores

VERSION: Final = 1
"""Version of the generator: raise it whenever the same arguments give other files."""

MARKER: Final = "street_scenes.json"
"""Written when a set is complete."""

_UNFINISHED = "street_scenes.unfinished.json"
_CITIES = {"train": ("arbora", "brickton", "calder"), "val": ("dunmere", "eastport")}
_LEAST_SIZE = 16
_CHUNK = 8
_Jobs = list[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class _Set:
    """The arguments that decide what a set's files hold."""

    train: int
    val: int
    height: int
    width: int
    seed: int
    version: int = VERSION

    def __post_init__(self) -> None:
        if min(self.train, self.val) < 0 or self.train + self.val == 0:
            raise UserError(
                f"street_scenes: train={self.train} and val={self.val} scenes; "
                "give numbers from 0 on, at least one of them above 0"
            )
        if min(self.height, self.width) < _LEAST_SIZE:
            raise UserError(
                f"street_scenes: size {self.height}x{self.width}; "
                f"height and width must be {_LEAST_SIZE} pixels or more"
            )
        if self.seed < 0:
            raise UserError(f"street_scenes: seed {self.seed}; it must not be negative")

    def __str__(self) -> str:
        return (
            f"train={self.train} val={self.val} size={self.height}x{self.width} "
            f"seed={self.seed} (generator version {self.version})"
        )


def generate(
    root: Path,
    *,
    train: int,
    val: int,
    height: int,
    width: int,
    seed: int,
    splits: Sequence[str] = SPLITS,
    workers: int | None = None,
) -> bool:
    """Makes sure that a folder holds a set of street scenes, with a progress line.

    Files of an interrupted run with the same arguments are kept. The files of a scene depend only
    on `seed`, `height`, `width`, its split and its index.

    Args:
        root: the folder, which is made if it does not exist.
        train: number of scenes to train on.
        val: number of scenes to validate on.
        height: pixels.
        width: pixels.
        seed: seed of the set, not negative.
        splits: those that are made; the others of the set can follow.
        workers: number of processes; None for the number of cores, or fewer for small sets. With
            1, everything happens in this process.

    Returns:
        Whether anything was made: False if the set was already complete.

    Raises:
        UserError: if an argument is out of range, or if the folder holds anything but this set.
    """
    if workers is not None and workers < 1:
        raise UserError(f"street_scenes: {workers} workers; there must be at least 1")
    wanted = _Set(train, val, height, width, seed)
    if _is_complete(root, wanted):
        return False
    started = time.time()
    note = json.dumps(asdict(wanted), indent=2).encode() + b"\n"
    try:
        root.mkdir(parents=True, exist_ok=True)
        _write(root / _UNFINISHED, note)
        made = _make_missing(root, wanted, splits, workers)
        sweep(root.rglob(f"{PREFIX}*{SUFFIX}"), started)
        if next(_missing(root, wanted, SPLITS), None) is None:
            _write(root / MARKER, note)
            (root / _UNFINISHED).unlink(missing_ok=True)
    except OSError as error:
        raise UserError(f"street_scenes: cannot write to {root}: {error}") from error
    except BrokenProcessPool as error:
        raise UserError(
            "street_scenes: a worker process died, for want of memory or because the calling "
            "script has no `if __name__ == '__main__':`; run it again, with workers=1 if need be"
        ) from error
    return made


def _is_complete(root: Path, wanted: _Set) -> bool:
    """Whether `root` holds the complete set.

    Raises:
        UserError: if it holds anything else than all or a part of the set.
    """
    if not root.exists():
        return False
    if not root.is_dir():
        raise UserError(f"street_scenes: {root} is not a folder; name one for the set")
    for name in (MARKER, _UNFINISHED):
        try:
            found = json.loads((root / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            raise UserError(f"street_scenes: cannot read {root / name}: {error}") from error
        if found != asdict(wanted):
            raise UserError(
                f"street_scenes: {root} holds another set, {_describe(found)}; wanted is {wanted}. "
                "Name another folder, or delete this one"
            )
        return name == MARKER
    if any(path.suffix != SUFFIX for path in root.iterdir()):
        raise UserError(
            f"street_scenes: {root} holds files that are not street_scenes, and none of them will "
            "be overwritten; name another folder"
        )
    return False


def _describe(found: object) -> str:
    """A set in words, from the content of its marker."""
    try:
        return str(_Set(**found))  # type: ignore[arg-type]
    except (TypeError, UserError):
        return "of unknown arguments"


def _missing(root: Path, wanted: _Set, splits: Sequence[str]) -> Iterator[tuple[str, int]]:
    """The scenes of these splits that lack a file."""
    for split in splits:
        for index in range(getattr(wanted, split)):
            if not all(path.exists() for path in scene_paths(root, split, index)):
                yield split, index


def _make_missing(root: Path, wanted: _Set, splits: Sequence[str], workers: int | None) -> bool:
    """Makes missing scenes, in this process or several; returns whether there were any."""
    missing = list(_missing(root, wanted, splits))
    if not missing:
        return False
    chunks = [missing[k : k + _CHUNK] for k in range(0, len(missing), _CHUNK)]
    if workers is None:
        # A process starts in the time of ten scenes, so each should make four chunks or more.
        workers = min(cores(), (len(chunks) + 3) // 4)
    total = sum(getattr(wanted, split) for split in splits)
    done = total - len(missing)
    with ProgressLine("street_scenes", total, done) as progress:
        for count in _each_made(partial(_make, root, wanted), chunks, workers):
            done += count
            progress.update(done)
    return True


def _each_made(make: Callable[[_Jobs], int], chunks: list[_Jobs], workers: int) -> Iterator[int]:
    """Makes chunks of scenes in this process or several; yields the size of each one made."""
    if workers <= 1 or len(chunks) <= 1:
        yield from map(make, chunks)
        return
    # Not 'fork', which may deadlock if JAX's threads run.
    pool = ProcessPoolExecutor(
        min(workers, len(chunks)), mp_context=get_context("spawn"), initializer=begin_worker
    )
    try:
        for future in as_completed([pool.submit(make, chunk) for chunk in chunks]):
            yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _make(root: Path, wanted: _Set, jobs: _Jobs) -> int:
    """Makes and writes scenes; returns their number."""
    for split, index in jobs:
        made = scene(wanted.seed, index, wanted.height, wanted.width, split=split)
        colours = COLOURS[made.label_ids]
        opaque = np.full_like(colours[..., :1], 255)
        pictures: tuple[np.ndarray, ...] = (
            made.photo,
            np.concatenate([colours, opaque], -1),
            made.label_ids,
            made.instance_ids,
        )
        for path, picture in zip(scene_paths(root, split, index), pictures, strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, Image.fromarray(picture))
    return len(jobs)


def scene_paths(root: Path, split: str, index: int) -> tuple[Path, Path, Path, Path]:
    """The files of a scene: its photo, label colours, label ids and instance ids."""
    cities = _CITIES[split]
    city = cities[index % len(cities)]
    stem = f"{city}_{index:06d}_000019"
    labels = root / "gtFine" / split / city
    return (
        root / "leftImg8bit" / split / city / f"{stem}_leftImg8bit.png",
        labels / f"{stem}_gtFine_color.png",
        labels / f"{stem}_gtFine_labelIds.png",
        labels / f"{stem}_gtFine_instanceIds.png",
    )


def _write(path: Path, content: bytes | Image.Image) -> None:
    """Writes a file that is either whole or not there."""
    with draft(path, durable=False) as scratch:
        if isinstance(content, bytes):
            scratch.write_bytes(content)
        else:
            content.save(scratch, format="PNG", compress_level=2)
