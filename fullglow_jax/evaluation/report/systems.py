"""Tables of evaluations: of one system, of several side by side, of classes."""

from collections.abc import Container, Mapping, Sequence
from typing import Any

from fullglow_jax.evaluation.metrics import METRICS
from fullglow_jax.evaluation.metrics.metric import Metric, Result
from fullglow_jax.evaluation.report.figures import figures, results
from fullglow_jax.evaluation.summary import NONE, Figure
from fullglow_jax.pictures.table import Table

KEYS = ("accuracy", "iou")
"""Keys of a class's scores."""


def figures_table(report: dict[str, Any]) -> Table:
    """All figures of a report."""
    return Table(("figure", "mean", "±"), [figure[:3] for figure in figures(report)])


def systems_table(reports: Sequence[dict[str, Any]]) -> Table:
    """A table like the paper's table 2: a row for each system, and below rows for other photos.

    Columns without figures are left out, except those of the paper. Figures of one metric that are
    of different networks, or compared with different images, stand in columns of their own.
    """
    found = [results(report) for report in reports]
    differ = {metric for metric in METRICS.values() if len(_settings(metric, found)) > 1}
    apart = {title for metric in differ for title in metric.paper_columns}
    columns = [title for m in METRICS.values() for title in m.paper_columns if title not in apart]
    for metric in METRICS.values():
        columns += [column for of in found for _, column in _figures_of(metric, of, differ)]
    columns = list(dict.fromkeys(filter(None, columns)))
    rows, beside = [], []
    for report, of_report in zip(reports, found, strict=True):
        cells: dict[str, dict[str, str]] = {"": {}}
        for metric in of_report:
            for f, column in _figures_of(metric, of_report, differ):
                cells.setdefault(f.images, {}).setdefault(column, f.both)
        by_images = {
            images: tuple(texts.get(column, NONE) for column in columns)
            for images, texts in cells.items()
        }
        rows.append((report["name"], *by_images.pop("")))
        beside.append((report["name"], by_images))
    rows += [(what, *texts) for what, texts in _once(beside).items()]
    return Table(("model", *columns), rows)


def _settings(metric: type[Metric], found: Sequence[Mapping[type[Metric], Result]]) -> set[str]:
    """The settings of a metric's figures in several reports."""
    return {metric.setting(of[metric]) for of in found if metric in of}


def _figures_of(
    metric: type[Metric], found: Mapping[type[Metric], Result], differ: Container[type[Metric]]
) -> list[tuple[Figure, str]]:
    """A metric's figures in a report with their columns, which say the setting if some differ."""
    if metric not in found:
        return []
    about = f" ({metric.setting(found[metric])})" if metric in differ else ""
    return [(f, f.column and f.column + about) for f in metric.figures(found[metric])]


def class_columns(reports: Sequence[dict[str, Any]]) -> dict[str, Result]:
    """Class scores of each system and of true photos, by column titles."""
    found: dict[str, Result] = {}
    beside = []
    for report in reports:
        for metric, result in results(report).items():
            by_images = metric.by_class(result)
            if "" in by_images:
                name = "drawn" if len(reports) == 1 else report["name"]
                found.setdefault(name, by_images.pop(""))
            beside.append((report["name"], by_images))
    return found | _once(beside)


def _once(beside: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """Values about images that systems did not draw; once, if several systems have the same."""
    found: dict[str, list[tuple[Any, list[str]]]] = {}
    for system, by_images in beside:
        for images, value in by_images.items():
            known = found.setdefault(images, [])
            same = [systems for other, systems in known if other == value]
            if same:
                same[0].append(system)
            else:
                known.append((value, [system]))
    return {
        images + (f" ({', '.join(systems)})" if len(known) > 1 else ""): value
        for images, known in found.items()
        for value, systems in known
    }


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
