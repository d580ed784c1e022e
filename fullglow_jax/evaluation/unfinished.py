"""Findings of an unfinished computation on disk, so that little is lost if it is stopped."""

from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import jax

from fullglow_jax.errors import mended
from fullglow_jax.files import strict_json


class Unfinished:
    """Findings by a digest of all that they depend on.

    They are lines of JSON in the files `.NAME.unfinished.*` of a folder; each process writes one
    file and reads all. Incomplete lines are ignored.

    Args:
        folder: The folder.
        name: Name of the computation; a folder may hold one unfinished computation at a time.

    Raises:
        UserError: If there are findings that cannot be read.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._pattern = folder, f".{name}.unfinished.*"
        self._found: dict[str, Any] = {}
        for file in sorted(folder.glob(self._pattern)):
            how = "Make it readable, or remove it: all it does is to spare computing again."
            with mended(f"{file} cannot be read", how):
                lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
            for line in lines:
                with suppress(ValueError, TypeError):  # an incomplete line
                    key, finding = strict_json.loads(line)
                    self._found[str(key)] = finding
        self._path = folder / self._pattern.replace("*", str(jax.process_index()))
        self._file: IO[str] | None = None

    def get(self, key: str) -> Any:
        """A finding, JSON values and arrays; None if there is none yet."""
        return self._found.get(key)

    def add(self, key: str, finding: Any) -> None:
        """Stores a finding; from then on, `get` returns it exactly as a later run will read it.

        Raises:
            UserError: If it cannot be written.
        """
        line = strict_json.dumps([key, finding])
        how = (
            "Make room, or its folder writable, and the same command goes on; or copy the folder "
            "to where you may write."
        )
        with mended(f"{self._path} cannot be written", how):
            if self._file is None:
                self._file = self._path.open("a", encoding="utf-8")
                self._file.write("\n")  # ends a line that was cut off
            self._file.write(line + "\n")
            self._file.flush()
        self._found[key] = strict_json.loads(line)[1]

    def close(self) -> None:
        """Closes the file; the findings stay for a later run."""
        if self._file is not None:
            self._file.close()

    def forget(self) -> None:
        """Removes the findings of all processes, after the end of the computation."""
        self.close()
        for file in self._folder.glob(self._pattern):
            file.unlink(missing_ok=True)
