"""A check that decodes every file once before training, and remembers the result.

A truncated image found after three days of training is three days too late. The result is kept in
the user's cache folder, until a file's size or time of change is different.
"""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from fullglow_jax.data.faults import Fault
from fullglow_jax.data.file_pairs import FilePairs, fingerprint
from fullglow_jax.errors import UserError
from fullglow_jax.files.drafts import draft
from fullglow_jax.installation import as_called
from fullglow_jax.progress import ProgressLine
from fullglow_jax.user_cache import cache_folder

Verdicts = list[str | None]
"""For each pair, its fault, or None."""

T = TypeVar("T")

KIND = "images that cannot be used"
MEND = "Restore these files, or leave them out with --config.data.on_bad_file=skip"
LIST_ALL = f"{as_called('python -m fullglow_jax.data.check')} lists all there are."


def checked(source: FilePairs, what: str, threads: int) -> FilePairs:
    """The source without the pairs that cannot be read; these are added to its faults.

    Args:
        source: The source to read.
        what: Its name for the progress line, for example "train".
        threads: Number of files to decode at a time; 0 counts as 1.
    """
    folder = cache_folder("verified")
    limits = (source.most_instances, source.fitting) if source.most_instances else ()
    digest = fingerprint(source, lambda file: str(file.absolute()), *limits)
    path = folder and folder / f"{digest}.json"
    verdicts = _recall(path, len(source))
    if verdicts is None:
        check = partial(problem, source.usable)
        verdicts = list(with_progress(check, len(source), f"checking {what}", threads))
        _remember(path, verdicts)
    faults = tuple(Fault(KIND, wrong, f"{MEND}; {LIST_ALL}") for wrong in verdicts if wrong)
    found = zip(source.pairs, verdicts, strict=True)
    good = tuple(pair for pair, wrong in found if not wrong)
    return replace(source, pairs=good, faults=(*source.faults, *faults))


def with_progress(check: Callable[[int], T], count: int, what: str, threads: int) -> Iterator[T]:
    """Checks 0 … count − 1, several at a time, with a progress line.

    Args:
        check: Checks one; called from several threads.
        count: Number of checks.
        what: Text for the progress line, for example "checking train".
        threads: Number of checks at a time; 0 counts as 1.

    Yields:
        The results of `check`, in order.
    """
    with ProgressLine(what, count) as progress, ThreadPoolExecutor(max(threads, 1)) as pool:
        for done, found in enumerate(pool.map(check, range(count)), 1):
            progress.update(done)
            yield found


def problem(read: Callable[[int], object], index: int) -> str | None:
    """The message of a pair that cannot be read; None for one that can be."""
    try:
        read(index)
    except UserError as error:
        return str(error)
    return None


def _recall(path: Path | None, count: int) -> Verdicts | None:
    if path is None:
        return None
    try:
        verdicts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return verdicts if isinstance(verdicts, list) and len(verdicts) == count else None


def _remember(path: Path | None, verdicts: Verdicts) -> None:
    """Writes the file as a whole or not at all; if that fails, files will be read again."""
    if path is None:
        return
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft(path, durable=False) as scratch:
            scratch.write_text(json.dumps(verdicts), encoding="utf-8")
