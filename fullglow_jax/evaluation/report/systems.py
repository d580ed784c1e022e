"""What was found, as tables: of one system, of several side by side, of classes."""

from collections.abc import Iterator, Sequence
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
    rows += [(*row, *[NONE] * len(extra)) for row in _beside(reports)]
    return Table(("model", "cond. bits/dim", *CLASS_COLUMNS, *extra), rows)


def class_columns(reports: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Class scores of each system, and of true photos once, by what to call them."""
    found: dict[str, dict[str, Any]] = {}
    true: dict[str, dict[str, Any]] = {}
    for report in reports:
        scores = _label_scores(report)
        if scores is not None:
            found["drawn" if len(reports) == 1 else report["name"]] = scores
            true = {"true photos": scores["ground_truth"]} if "ground_truth" in scores else true
    return found | true


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
    return figure("", report["bits_per_dim"][report["headline"]], 3).with_error


def _label_scores(report: dict[str, Any]) -> dict[str, Any] | None:
    of_images = _images(report)
    return next((of_images[name] for name in OF_LABEL_MAPS if name in of_images), None)


def _class_scores(scores: dict[str, Any] | None) -> tuple[str, ...]:
    if scores is None:
        return (NONE,) * len(CLASS_COLUMNS)
    return tuple(percent("", scores[key]).with_error for key in CLASS_SCORES)


def _beside(reports: Sequence[dict[str, Any]]) -> Iterator[tuple[str, ...]]:
    """What photos score that the systems did not draw, once where it is the same beside all."""
    for key, what in PSP_BESIDE.items():
        systems: dict[tuple[str, ...], list[str]] = {}
        for report in reports:
            if psp := _images(report).get("psp"):
                systems.setdefault(_class_scores(psp[key]), []).append(report["name"])
        for scores, names in systems.items():
            whose = f" ({', '.join(names)})" if len(systems) > 1 else ""
            yield (f"{what}{whose}", NONE, *scores)
