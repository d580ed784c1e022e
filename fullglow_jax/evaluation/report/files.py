"""Reports as files: JSON to compute with, Markdown to paste, pictures and a page to look at."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import rich.box
import rich.table
from rich.console import Console
from rich.text import Text

from fullglow_jax.drafts import draft
from fullglow_jax.errors import UserError
from fullglow_jax.evaluation.report import charts
from fullglow_jax.evaluation.report.figures import title
from fullglow_jax.evaluation.report.page import Section, page
from fullglow_jax.evaluation.report.systems import Table, class_table, figures_table, systems_table


def write_report(report: dict[str, Any], folder: Path, samples: bytes | None) -> list[Path]:
    """Writes `eval.json`, `eval.md`, `eval.html` and its pictures, each the old one or the new one.

    Args:
        report: What `evaluation.command.evaluate` found.
        folder: Where to.
        samples: A picture of what was scored, PNG.

    Returns:
        The files.

    Raises:
        UserError: They cannot be written.
    """
    table = systems_table([report])
    all_figures = figures_table(report)
    pictures = {
        "samples": ("Samples", samples),
        "bits_per_dim": ("Bits per dimension", charts.bits_chart(report)),
        "classes": ("Classes", charts.class_chart([report])),
        "confusion": ("What was found where", charts.confusion_chart(report)),
    }
    sections = [Section("In short", table), Section("All figures", all_figures)]
    sections += [Section(name, png) for name, png in pictures.values() if png]
    if by_class := class_table(report):
        sections.append(Section("Classes, in numbers", by_class))
    files: dict[str, bytes] = {
        "eval.json": (json.dumps(report, indent=2, allow_nan=False) + "\n").encode(),
        "eval.md": f"{title(report)}:\n\n{markdown(table)}\n{markdown(all_figures)}".encode(),
        "eval.html": page(report["name"], title(report), sections).encode(),
    }
    files |= {f"eval_{stem}.png": png for stem, (_, png) in pictures.items() if png}
    return _write(folder, files, outdated=[f"eval_{stem}.png" for stem in pictures])


def write_comparison(reports: Sequence[dict[str, Any]], folder: Path) -> list[Path]:
    """Writes `comparison.md`, `comparison.html` and its picture.

    Args:
        reports: Of several systems.
        folder: Where to; made if it is not there.

    Returns:
        The files.

    Raises:
        UserError: They cannot be written.
    """
    table = systems_table(reports)
    chart = charts.class_chart(reports)
    about = "; ".join(f"{report['name']}: {title(report)}" for report in reports)
    sections = [Section("In short", table)]
    sections += [Section("Classes", chart)] if chart else []
    files: dict[str, bytes] = {
        "comparison.md": f"{about}\n\n{markdown(table)}".encode(),
        "comparison.html": page("Comparison", about, sections).encode(),
    }
    picture = "comparison_classes.png"
    return _write(folder, files | ({picture: chart} if chart else {}), outdated=[picture])


def show(table: Table, title: str) -> None:
    """Prints a table."""
    # As texts: brackets in a name are no markup.
    shown = rich.table.Table(*table.header, title=Text(title), box=rich.box.SIMPLE)
    for row in table.rows:
        shown.add_row(*map(Text, row))
    console = Console()
    if not console.is_terminal:
        console.width = 140
    console.print(shown)


def markdown(table: Table) -> str:
    """A table for a document."""
    lines = [f"| {' | '.join(table.header)} |", "|---" * len(table.header) + "|"]
    lines += [f"| {' | '.join(c.replace('|', chr(92) + '|') for c in row)} |" for row in table.rows]
    return "\n".join(lines) + "\n"


def _write(folder: Path, files: Mapping[str, bytes], outdated: Sequence[str]) -> list[Path]:
    """Writes the files; what is outdated and not among them goes."""
    for name, content in files.items():
        path = folder / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with draft(path) as scratch:
                scratch.write_bytes(content)
            for other in set(outdated) - files.keys():
                (folder / other).unlink(missing_ok=True)
        except OSError as error:
            raise UserError(
                f"{path} cannot be written: {error.strerror or error}. Make its folder writable, "
                "or copy it to where you may write."
            ) from error
    return [folder / name for name in files]
