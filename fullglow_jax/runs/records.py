"""Records of a run by step: a JSON object per line."""

import json
from pathlib import Path
from typing import IO, Any

from fullglow_jax.files import strict_json
from fullglow_jax.files.drafts import draft


class Records:
    """A file of records, which grows as a run goes on.

    Records of an earlier, interrupted run after this run's first step are dropped, so that each
    step is there once.

    Args:
        path: The file, which is made with the first record.
        first_step: The step that this run starts from.
    """

    def __init__(self, path: Path, first_step: int) -> None:
        self._path = path
        self._file: IO[str] | None = None
        if path.is_file():
            kept = [r for r in read_records(path) if r["step"] <= first_step] if first_step else []
            with draft(path) as scratch:
                lines = "".join(strict_json.dumps(record) + "\n" for record in kept)
                scratch.write_text(lines, encoding="utf-8")

    def add(self, record: dict[str, Any]) -> None:
        """Writes a record with its "step" at once; numbers that are not finite become null."""
        if self._file is None:
            self._file = self._path.open("a", buffering=1, encoding="utf-8")
        self._file.write(strict_json.dumps(record) + "\n")

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()


def read_records(path: Path) -> list[dict[str, Any]]:
    """The records of a file in order, without an incomplete last line of a killed run."""
    records = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return records
