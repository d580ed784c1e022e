"""Reports as files: JSON for programs, Markdown to paste, pictures and a page to look at."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fullglow_jax.errors import mended
from fullglow_jax.evaluation.image_folders import PICTURES
from fullglow_jax.evaluation.report import charts
from fullglow_jax.evaluation.report.figures import about
from fullglow_jax.evaluation.report.systems import class_table, figures_table, systems_table
from fullglow_jax.files import strict_json
from fullglow_jax.files.drafts import draft
from fullglow_jax.pictures.page import Section, page
from fullglow_jax.pictures.table import markdown
from fullglow_jax.text_output import in_utf8


def write_report(report: dict[str, Any], folder: Path, samples: bytes | None) -> list[Path]:
    """Writes `eval.json`, `eval.md`, `eval.html` and its pictures, and returns the files.

    Args:
        report: The result of `evaluation.command.evaluate`.
        folder: The folder to write to.
        samples: A picture of the scored images, PNG.

    Raises:
        UserError: If they cannot be written.
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
    told = about(report)
    files: dict[str, bytes] = {
        "eval.json": (strict_json.dumps(report, indent=2) + "\n").encode(),
        "eval.md": in_utf8(f"{told}:\n\n{markdown(table)}\n{markdown(all_figures)}"),
        "eval.html": in_utf8(page(report["name"], told, sections)),
    }
    files |= {f"eval_{stem}.png": png for stem, (_, png) in pictures.items() if png}
    return _write(folder, files, outdated=PICTURES)


def write_comparison(
    reports: Sequence[dict[str, Any]], folder: Path, samples: bytes | None = None
) -> list[Path]:
    """Writes `comparison.md`, `.json`, `.html` and its pictures, and returns the files.

    Args:
        reports: Those of `eval.json`.
        folder: The folder, which is made if it does not exist.
        samples: A picture of what the systems draw, PNG.

    Raises:
        UserError: If they cannot be written.
    """
    table = systems_table(reports)
    pictures = {
        "samples": ("The same conditions", samples),
        "classes": ("Classes", charts.class_chart(reports)),
    }
    told = ".\n\n".join(f"{report['name']}: {about(report)}" for report in reports)
    sections = [Section("In short", table)]
    sections += [Section(name, png) for name, png in pictures.values() if png]
    files: dict[str, bytes] = {
        "comparison.json": (strict_json.dumps(list(reports), indent=2) + "\n").encode(),
        "comparison.md": in_utf8(f"{told}\n\n{markdown(table)}"),
        "comparison.html": in_utf8(page("Comparison", told, sections)),
    }
    files |= {f"comparison_{stem}.png": png for stem, (_, png) in pictures.items() if png}
    return _write(folder, files, outdated=[f"comparison_{stem}.png" for stem in pictures])


def _write(folder: Path, files: Mapping[str, bytes], outdated: Sequence[str]) -> list[Path]:
    """Writes the files, and removes outdated ones that are not among them."""
    for name, content in files.items():
        path = folder / name
        how = "Make its folder writable, or copy it to where you may write."
        with mended(f"{path} cannot be written", how):
            folder.mkdir(parents=True, exist_ok=True)
            with draft(path) as scratch:
                scratch.write_bytes(content)
            for other in set(outdated) - files.keys():
                (folder / other).unlink(missing_ok=True)
    return [folder / name for name in files]
