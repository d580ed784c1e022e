"""Every file decoded once before it is trained on, and the verdict remembered.

A truncated image found after three days of training is three days too late. What was found is kept
in the user's cache folder, for as long as no file's size or time of change is another.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from fullglow_jax.data.faults import Fault
from fullglow_jax.data.file_pairs import FilePairs
from fullglow_jax.data.layouts import Example
from fullglow_jax.errors import UserError
from fullglow_jax.progress import ProgressLine
from fullglow_jax.user_cache import cache_folder

Verdicts = dict[str, str]
"""What is wrong with an example, by its name; those that are good have none."""

KIND = "images that cannot be used"
MEND = (
    "Restore these files, or leave them out with --config.data.on_bad_file=skip; "
    "python -m fullglow_jax.data.check lists all there are."
)


def verified(source: FilePairs, what: str, threads: int) -> FilePairs:
    """The source without the examples that cannot be read, which are among its faults then.

    Args:
        source: What to read.
        what: What it is, for progress: "train", say.
        threads: How many files to decode at a time; 0 counts as 1.
    """
    path = cache_folder("verified") / f"{_fingerprint(source)}.json"
    verdicts = _recall(path)
    if verdicts is None:
        verdicts = dict(_examined(source, what, threads))
        _remember(path, verdicts)
    if not verdicts:
        return source
    faults = tuple(Fault(KIND, reason, MEND) for reason in verdicts.values())
    good = tuple(example for example in source.examples if example.name not in verdicts)
    return replace(source, examples=good, faults=(*source.faults, *faults))


def _examined(source: FilePairs, what: str, threads: int) -> Iterator[tuple[str, str]]:
    def reason(example: Example) -> str | None:
        try:
            source.native(example)
        except UserError as error:
            return str(error)
        return None

    with (
        ProgressLine(f"checking {what}", len(source)) as progress,
        ThreadPoolExecutor(max(threads, 1)) as pool,
    ):
        found = zip(source.examples, pool.map(reason, source.examples), strict=True)
        for done, (example, wrong) in enumerate(found, 1):
            progress.update(done)
            if wrong is not None:
                yield example.name, wrong


def _fingerprint(source: FilePairs) -> str:
    """Of the files, as they are, and of how they are read."""
    digest = hashlib.sha256(repr((type(source.layout).__name__, source.parts)).encode())
    for example in source.examples:
        for part, path in sorted(example.files.items()):
            try:
                stat = path.stat()
                state = (stat.st_size, stat.st_mtime_ns)
            except OSError as error:
                state = (-1, error.errno or 0)
            digest.update(repr((example.name, part, str(path.absolute()), state)).encode())
    return digest.hexdigest()


def _recall(path: Path) -> Verdicts | None:
    try:
        verdicts = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return verdicts if isinstance(verdicts, dict) else None


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
