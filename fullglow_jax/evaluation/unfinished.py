"""What a long computation has found so far, kept on disk, so that stopping it loses little."""

import hashlib
import json
from pathlib import Path
from typing import IO, Any

import jax
import numpy as np

from fullglow_jax.errors import UserError

PyTree = Any


def digest(*parts: PyTree) -> str:
    """Of pytrees of arrays, numbers and strings; different ones have different digests."""
    found = hashlib.blake2b(str(jax.tree.structure(parts)).encode(), digest_size=16)
    for leaf in jax.tree.leaves(parts):
        if isinstance(leaf, np.ndarray | jax.Array):
            array = np.ascontiguousarray(leaf)
            found.update(f"{array.dtype}{array.shape}".encode())
            found.update(array.view(np.uint8).data if array.size else b"")
        else:
            found.update(f"{type(leaf).__name__}{leaf!r}".encode())
    return found.hexdigest()


class Unfinished:
    """Findings by a digest of all that they depend on, so that none is taken for another's.

    They are lines of JSON in the files `.NAME.unfinished.*` of a folder, of which each process
    writes one and reads all. Lines that are none, having been cut off, are not read.

    Args:
        folder: Where they lie.
        name: Of the computation, of which one at a time may go on in a folder.

    Raises:
        UserError: There are findings that cannot be read.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._pattern = folder, f".{name}.unfinished.*"
        self._found: dict[str, Any] = {}
        for file in sorted(folder.glob(self._pattern)):
            try:
                lines = file.read_text(errors="replace").splitlines()
            except OSError as error:
                raise UserError(
                    f"{file} cannot be read: {error.strerror or error}. Make it readable, or "
                    "remove it: all it does is to spare computing again."
                ) from error
            self._found |= dict(filter(None, map(_finding, lines)))
        self._path = folder / self._pattern.replace("*", str(jax.process_index()))
        self._file: IO[str] | None = None

    def get(self, key: str) -> Any:
        """A finding, JSON values; None where there is none yet."""
        return self._found.get(key)

    def add(self, key: str, finding: Any) -> None:
        """Keeps a finding.

        Raises:
            UserError: It cannot be written.
        """
        self._found[key] = finding
        try:
            if self._file is None:
                self._file = self._path.open("a")
                self._file.write("\n")  # ends a line that was cut off
            self._file.write(json.dumps([key, finding]) + "\n")
            self._file.flush()
        except OSError as error:
            raise UserError(
                f"{self._path} cannot be written: {error.strerror or error}. Make room, or its "
                "folder writable, and the same command goes on; or copy the folder to where you "
                "may write."
            ) from error

    def close(self) -> None:
        """Ends writing; the findings stay for another time."""
        if self._file is not None:
            self._file.close()

    def forget(self) -> None:
        """Removes all processes' findings, once they are of no more use."""
        self.close()
        for file in self._folder.glob(self._pattern):
            file.unlink(missing_ok=True)


def _finding(line: str) -> tuple[str, Any] | None:
    """A line's key and finding."""
    try:
        key, finding = json.loads(line)
    except (ValueError, TypeError):
        return None
    return (key, finding) if isinstance(key, str) else None
