"""What was found, as tables: of one system, of several side by side, of classes."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from fullglow_jax.evaluation.report.figures import (
    CLASS_SCORES,
    NONE,
    OF_IMAGES,
    OF_LABEL_MAPS,
    PSP_BESIDE,
    figure,
    figures,
    percent,
)

CLASS_COLUMNS = ("pixel acc.", "class acc.", "class IoU")

KEYS = ("accuracy", "iou")
"""Of a class's scores."""


class Table(NamedTuple):
    """Rows of text under a header.

    Attributes:
        header: Of the columns.
        rows: As long as it, each.
    """

    header: tuple[str, ...]
    rows: list[tuple[str, ...]]


def figures_table(report: dict[str, Any]) -> Table:
    """All figures of a report."""
    return Table(("figure", "mean", "±"), list(figures(report)))


def systems_table(reports: Sequence[dict[str, Any]]) -> Table:
    """As the paper's table 2: a row for each system, and below what other photos score.

    Columns that no system has a figure for are left out, but for those of the paper.
    """
    extra = [name for name in OF_IMAGES if any(name in _images(report) for report in reports)]
    rows = [
        (
            report["name"],
            _bits(report),
            *_class_scores(_label_scores(report)),
            *(_of_images(report, name) for name in extra),
        )
        for report in reports
    ]
    rows += [
        (what, NONE, *_class_scores(scores), *[NONE] * len(extra))
        for key in PSP_BESIDE
        for what, scores in _beside(reports, key).items()
    ]
    return Table(("model", "cond. bits/dim", *CLASS_COLUMNS, *extra), rows)


def class_columns(reports: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Class scores of each system, and of true photos, by what to call them."""
    found = {}
    for report in reports:
        if scores := _label_scores(report):
            found["drawn" if len(reports) == 1 else report["name"]] = scores
    return found | _beside(reports, "ground_truth")


def class_table(report: dict[str, Any]) -> Table | None:
    """Each class's accuracy and IoU, of drawn and of true photos; None without class scores."""
    columns = class_columns([report])
    if not columns:
        return None
    header = [f"{kind}, {what}" for what in columns for kind in ("accuracy, %", "IoU, %")]
    names = next(iter(columns.values()))["by_class"]
    rows = [
        (name, *(_share(of["by_class"][name][key]) for of in columns.values() for key in KEYS))
        for name in names
    ]
    return Table(("class", *header), rows)


def _share(value: float | None) -> str:
    return NONE if value is None else f"{100 * value:.2f}"


def _images(report: dict[str, Any]) -> dict[str, Any]:
    return dict(report.get("images", {}))


def _of_images(report: dict[str, Any], name: str) -> str:
    of_images = _images(report)
    if name not in of_images:
        return NONE
    return figure(name, of_images[name], OF_IMAGES[name]).with_error


def _bits(report: dict[str, Any]) -> str:
    if "bits_per_dim" not in report:
        return NONE
    headline = report["headline"]
    bits = figure("", report["bits_per_dim"][headline], 3).with_error
    return bits if headline == "conditional" else f"{bits} ({headline})"


def _label_scores(report: dict[str, Any]) -> dict[str, Any] | None:
    of_images = _images(report)
    return next((of_images[name] for name in OF_LABEL_MAPS if name in of_images), None)


def _class_scores(scores: dict[str, Any] | None) -> tuple[str, ...]:
    if scores is None:
        return (NONE,) * len(CLASS_COLUMNS)
    return tuple(percent("", scores[key]).with_error for key in CLASS_SCORES)


def _beside(reports: Sequence[dict[str, Any]], key: str) -> dict[str, dict[str, Any]]:
    """Class scores of what systems did not draw, once where they are the same beside all.

    Args:
        reports: Of the systems.
        key: One of `PSP_BESIDE`.
    """
    found: dict[str, tuple[dict[str, Any], list[str]]] = {}
    for report in reports:
        if psp := _images(report).get("psp"):
            _, names = found.setdefault(json.dumps(psp[key]), (psp[key], []))
            names.append(report["name"])
    return {
        PSP_BESIDE[key] + (f" ({', '.join(names)})" if len(found) > 1 else ""): scores
        for scores, names in found.values()
    }
