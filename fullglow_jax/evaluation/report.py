"""Reports of evaluations: as JSON, and as a table to read or to paste."""

import json
from pathlib import Path
from typing import Any

from rich.table import Table

from fullglow_jax.errors import UserError

HEADER = ("figure", "mean", "±")


def rows(report: dict[str, Any]) -> list[tuple[str, str, str]]:
    """A report's figures, one a row: what, mean, and standard error or deviation over rounds."""
    of_bits = report.get("bits_per_dim", {})
    found = [
        _row(f"bits/dim, {name}", summary["mean"], summary["standard_error"], 4)
        for name, summary in of_bits.items()
    ]
    of_images = report.get("images", {})
    for name in ("ssim", "psnr", "diversity"):
        if name in of_images:
            summary = of_images[name]
            found.append(_row(name, summary["mean"], summary.get("deviation"), 4))
    if of_maps := of_images.get("photo2label"):
        found += _class_rows("", of_maps)
    if of_photos := of_images.get("psp"):
        found += _class_rows("psp, ", of_photos)
        found += _class_rows("psp of true photos, ", of_photos["ground_truth"])
        found += _class_rows("psp of other label maps' photos, ", of_photos["shuffled"])
    return found


def _class_rows(what: str, scores: dict[str, Any]) -> list[tuple[str, str, str]]:
    kinds = {
        "pixel_accuracy": "pixel accuracy",
        "class_accuracy": "class accuracy",
        "class_iou": "class IoU",
    }
    return [
        _row(f"{what}{kind}, %", scores[key]["mean"], scores[key]["deviation"], 2, factor=100)
        for key, kind in kinds.items()
    ]


def _row(
    name: str, mean: float | None, error: float | None, digits: int, factor: float = 1
) -> tuple[str, str, str]:
    first, second = ("–" if v is None else f"{factor * v:.{digits}f}" for v in (mean, error))
    return name, first, second


def title(report: dict[str, Any]) -> str:
    """What was scored, in a few words."""
    of_images = report.get("images")
    rounds = f", {of_images['rounds']} rounds of images" if of_images else ""
    scored = "" if report["checkpoint"] is None else f", step {report['checkpoint']}"
    return f"{report['examples']} examples of {report['split']}{scored}{rounds}"


def table(report: dict[str, Any]) -> Table:
    """For a terminal."""
    shown = Table(*HEADER, title=title(report))
    for row in rows(report):
        shown.add_row(*row)
    return shown


def markdown(report: dict[str, Any]) -> str:
    """For a document."""
    lines = [f"{title(report)}:", "", f"| {' | '.join(HEADER)} |", "|---|---|---|"]
    lines += [f"| {' | '.join(row)} |" for row in rows(report)]
    return "\n".join(lines) + "\n"


def write(report: dict[str, Any], path: Path) -> None:
    """Writes `PATH.json` and `PATH.md`, so that there is the old one or the new one of each.

    Raises:
        UserError: They cannot be written.
    """
    _write(path.with_suffix(".json"), json.dumps(report, indent=2) + "\n")
    _write(path.with_suffix(".md"), markdown(report))


def _write(path: Path, text: str) -> None:
    scratch = path.with_name(f".{path.name}.tmp")
    try:
        scratch.write_text(text)
        scratch.replace(path)
    except OSError as error:
        raise UserError(
            f"{path} cannot be written: {error.strerror or error}. Make its folder writable, or "
            "copy the workdir to where you may write."
        ) from error
