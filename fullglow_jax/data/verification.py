"""Every file decoded once before it is trained on, and the verdict remembered.

A truncated image found after three days of training is three days too late. What was found is kept
in the user's cache folder, for as long as no file's size or time of change is another.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from fullglow_jax.data.faults import Fault
from fullglow_jax.data.file_pairs import FilePairs, file_states
from fullglow_jax.errors import UserError
from fullglow_jax.progress import ProgressLine
from fullglow_jax.user_cache import cache_folder

Verdicts = list[str | None]
"""What is wrong with each example, if anything."""

T = TypeVar("T")

KIND = "images that cannot be used"
MEND = "Restore these files, or leave them out with --config.data.on_bad_file=skip"
LIST_ALL = "python -m fullglow_jax.data.check lists all there are."


def verified(source: FilePairs, what: str, threads: int) -> FilePairs:
    """The source without the examples that cannot be read, which are among its faults then.

    Args:
        source: What to read.
        what: What it is, for progress: "train", say.
        threads: How many files to decode at a time; 0 counts as 1.
    """
    path = cache_folder("verified") / f"{_fingerprint(source)}.json"
    verdicts = _recall(path, len(source))
    if verdicts is None:
        verdicts = _verdicts(source, what, threads)
        _remember(path, verdicts)
    faults = tuple(Fault(KIND, wrong, f"{MEND}; {LIST_ALL}") for wrong in verdicts if wrong)
    found = zip(source.examples, verdicts, strict=True)
    good = tuple(example for example, wrong in found if not wrong)
    return replace(source, examples=good, faults=(*source.faults, *faults))


def with_progress(examine: Callable[[int], T], count: int, what: str, threads: int) -> Iterator[T]:
    """Examines 0 … count − 1, several at a time, and tells how far it is.

    Args:
        examine: What to do with each; called from several threads.
        count: How many there are.
        what: What is done, for progress: "checking train", say.
        threads: How many to examine at a time; 0 counts as 1.

    Yields:
        What was found of each, in order.
    """
    with ProgressLine(what, count) as progress, ThreadPoolExecutor(max(threads, 1)) as pool:
        for done, found in enumerate(pool.map(examine, range(count)), 1):
            progress.update(done)
            yield found


def _verdicts(source: FilePairs, what: str, threads: int) -> Verdicts:
    def reason(index: int) -> str | None:
        try:
            source.native(source.examples[index])
        except UserError as error:
            return str(error)
        return None

    return list(with_progress(reason, len(source), f"checking {what}", threads))


def _fingerprint(source: FilePairs) -> str:
    """Of the files, as they are, and of how they are read."""
    digest = hashlib.sha256(repr((type(source.layout).__name__, source.parts)).encode())
    for name, part, path, state in file_states(source):
        digest.update(repr((name, part, str(path.absolute()), state)).encode())
    return digest.hexdigest()


def _recall(path: Path, count: int) -> Verdicts | None:
    try:
        verdicts = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return verdicts if isinstance(verdicts, list) and len(verdicts) == count else None


def _remember(path: Path, verdicts: Verdicts) -> None:
    """Writes whole or not at all; where there is no room for it, files are read again."""
    half = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        half.write_text(json.dumps(verdicts))
        half.replace(path)
    except OSError:
        with suppress(OSError):
            half.unlink()
