"""Files that are whole or not there, even if the program that writes them is killed."""

import errno
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

PREFIX, SUFFIX = ".draft-", ".tmp"
"""Start and end of a draft's name, which is short, so that it always fits."""


@contextmanager
def draft(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """A draft to write to, which is renamed to `path` in one step at the end of the context.

    Threads, or machines on a shared file system, that write the same file at the same time have
    their own drafts: the last one to end stays, whole. For a link, the file that it leads to is
    written; devices and pipes are written to directly.

    Args:
        path: The path of the file.
        durable: Whether the file is synced to disk before it gets its name. If not, a crash of the
            whole machine may leave it empty; this is for thousands of files that can be made again.
    """
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        yield path
        return
    scratch = path.with_name(f"{PREFIX}{os.getpid()}-{uuid4()}{SUFFIX}")
    try:
        yield scratch
        if durable:
            sync(scratch)
        scratch.replace(path)
        if durable:
            _sync_names(path.parent)
    finally:
        scratch.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Syncs a file, or the names in a folder, to disk; raises OSError if the disk is full."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_names(folder: Path) -> None:
    try:
        sync(folder)
    except OSError as error:
        # Some network file systems cannot sync folders.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise


@contextmanager
def swept(folder: Path) -> Iterator[None]:
    """At the end of the context, deletes the drafts of runs that were killed before its start."""
    started = time.time()
    yield
    sweep(folder.glob(f"{PREFIX}*{SUFFIX}"), started)


def sweep(drafts: Iterable[Path], before: float) -> None:
    """Deletes drafts that were last written to before a time, in seconds since the epoch."""
    for scratch in drafts:
        with suppress(FileNotFoundError):
            if scratch.stat().st_mtime < before:
                scratch.unlink()
