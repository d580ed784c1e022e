"""Evaluations of several systems, side by side."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fullglow_jax.errors import UserError
from fullglow_jax.evaluation.report.files import show, write_comparison
from fullglow_jax.evaluation.report.systems import systems_table

NEEDED = {"name", "checkpoint", "split", "examples"}
"""What every report has."""


def compare(folders: Sequence[Path], out: Path) -> None:
    """Prints a table of what `eval.py` found before, a row a system, and writes it with a page.

    Args:
        folders: Workdirs, or folders of images, that `eval.py` has scored.
        out: Folder that `comparison.md` and `comparison.html` go into.

    Raises:
        UserError: A folder has no evaluation, or the files cannot be written.
    """
    reports = [_read(folder) for folder in folders]
    names = [report["name"] for report in reports]
    if len(set(names)) < len(names):
        for report, folder in zip(reports, folders, strict=True):
            report["name"] = str(folder)
    show(systems_table(reports), "side by side")
    print("comparison: " + ", ".join(map(str, write_comparison(reports, out))))


def _read(folder: Path) -> dict[str, Any]:
    path = folder / "eval.json"
    again = (
        f"Score it first: python eval.py --workdir {folder}, or --workdir DIR --images {folder} "
        "for a folder of images."
    )
    try:
        report = json.loads(path.read_text())
    except FileNotFoundError:
        raise UserError(f"--compare {folder}: there is no {path}. {again}") from None
    except (OSError, ValueError) as error:
        raise UserError(f"--compare {folder}: {path} cannot be read: {error}. {again}") from error
    if not isinstance(report, dict) or not NEEDED.issubset(report):
        raise UserError(f"--compare {folder}: {path} is of another version. {again}")
    return report
