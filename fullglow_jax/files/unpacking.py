"""Limits of unpacked files: a small packed file can be made to fill the memory."""

import math
import zipfile
from pathlib import Path

import numpy as np

from fullglow_jax.errors import UserError

ANY = 2**30
"""Bytes that are always allowed for the content of a file."""

TIMES = 16
"""Beyond that, content may be this many times the file's size. Weights and photos hardly shrink."""


def most_bytes(path: Path) -> int:
    """The number of bytes that a file's unpacked content may have."""
    return max(ANY, TIMES * path.stat().st_size)


def too_much(path: Path, content: str) -> UserError:
    """The error for a file whose content, described by a clause, has more than `most_bytes`."""
    return UserError(
        f"{path} has {path.stat().st_size:,} bytes, and {content}, where at most "
        f"{most_bytes(path):,} are read of such a file: it is damaged, or made to fill the memory. "
        "Copy it again; if it should be so, save it without packing it."
    )


def check_archive(path: Path) -> None:
    """Checks that a file is no zip archive with a content larger than `most_bytes`.

    Raises:
        UserError: If it is larger.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            content = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile:
        return
    if content > most_bytes(path):
        raise too_much(path, f"unpacked it would have {content:,}")


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a .npz file, by name.

    Raises:
        OSError: If it cannot be read.
        ValueError: If it is damaged, or not a .npz of plain arrays.
        UserError: If its content is larger than `most_bytes`.
    """
    check_archive(path)
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                _check_array(archive, entry)
        with np.load(path) as arrays:
            return dict(arrays)
    except (OSError, MemoryError):
        raise
    # All exceptions: zip, its compressors and NumPy's header raise many types.
    except Exception as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def _check_array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    """Checks that an array's header does not promise more bytes than its entry has.

    NumPy allocates the memory before it reads.

    Raises:
        ValueError: If it does, or the entry is not an array.
    """
    with archive.open(entry) as file:
        first = np.lib.format.read_magic(file) == (1, 0)
        read_header = (
            np.lib.format.read_array_header_1_0 if first else np.lib.format.read_array_header_2_0
        )
        shape, _, dtype = read_header(file)
    size = dtype.itemsize * math.prod(shape)
    if size > entry.file_size:
        raise ValueError(f"{entry.filename} says that it has {size:,} bytes, and has fewer")
