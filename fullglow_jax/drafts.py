"""Files that are whole or not there, whatever ends the program that writes them."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def draft(path: Path) -> Iterator[Path]:
    """A name to write to; what is there in the end is brought to disk and gets its own name."""
    # With the process' id, so that two runs do not write into one file.
    scratch = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield scratch
        sync(scratch)
        scratch.replace(path)
        sync(path.parent)
    finally:
        scratch.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Brings a file, or the names in a folder, to disk; raises OSError where that is full."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def swept(folder: Path) -> Iterator[None]:
    """Deletes, in the end, the drafts of runs that were killed before this."""
    started = time.time()
    yield
    for scratch in folder.glob(".*.tmp"):
        with suppress(FileNotFoundError):
            if scratch.stat().st_mtime < started:
                scratch.unlink()
