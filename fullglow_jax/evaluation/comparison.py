"""Comparison of several systems' evaluations."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fullglow_jax.errors import UserError
from fullglow_jax.evaluation.report.figures import about
from fullglow_jax.evaluation.report.files import write_comparison
from fullglow_jax.evaluation.report.systems import systems_table
from fullglow_jax.files.paths import user_path
from fullglow_jax.installation import as_called
from fullglow_jax.pictures.table import show
from fullglow_jax.readings import readings
from fullglow_jax.sampling.file_names import readable

NEEDED = {"name", "checkpoint", "split", "examples"}
"""Keys of every report."""


def compare(folders: Sequence[Path], out: Path, samples: bytes | None = None) -> None:
    """Prints a table of earlier reports of `eval.py`, a row per system, and writes it with a page.

    Args:
        folders: Workdirs, or folders of images, that `eval.py` has scored.
        out: Folder for `comparison.md`, `comparison.json` and `comparison.html`.
        samples: A picture of what they draw, PNG.

    Raises:
        UserError: If a folder has no evaluation, or the files cannot be written.
    """
    reports = [_read(folder) for folder in folders]
    names = [report["name"] for report in reports]
    if len(set(names)) < len(names):
        for report, folder in zip(reports, folders, strict=True):
            report["name"] = readable(str(folder))
    show(systems_table(reports), "side by side")
    for report in reports:
        print(f"note: {report['name']}: {about(report)}")
    print("comparison: " + ", ".join(map(str, write_comparison(reports, out, samples))))


def folders_of(text: str) -> list[Path]:
    """The folders that --compare names, with commas between; names may have commas, too.

    Raises:
        UserError: If there are folders for several ways to read it, or a name is empty.
    """
    ways = readings(text, ",", lambda part: bool(part) and user_path(part).is_dir())
    if len(ways) > 1:
        told = " or ".join(" , ".join(map(repr, way)) for way in ways)
        raise UserError(
            f"--compare {text} may mean {told}. Put double quotes around a name with commas, "
            "'\"A,B\",C', or a slash before a comma between two, A/,B."
        )
    quoted = next(csv.reader([text.replace("\n", " ")], skipinitialspace=True))
    names = ways[0] if ways else tuple(map(str.strip, quoted))
    if not all(names):
        raise UserError(f"--compare {text} has nothing before, between or after its commas.")
    return list(map(user_path, names))


def _read(folder: Path) -> dict[str, Any]:
    path = folder / "eval.json"
    again = (
        f"Score it first: {as_called('python eval.py')} --workdir {folder}, or --workdir DIR "
        f"--images {folder} for a folder of images."
    )
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"--compare {folder}: there is no {path}. {again}") from None
    except (OSError, ValueError) as error:
        raise UserError(f"--compare {folder}: {path} cannot be read: {error}. {again}") from error
    if not isinstance(report, dict) or not NEEDED.issubset(report):
        raise UserError(f"--compare {folder}: {path} is of another version. {again}")
    return report
