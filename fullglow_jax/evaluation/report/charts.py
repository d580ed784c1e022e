"""Charts of evaluations, as PNG."""

import io
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from fullglow_jax.evaluation.report.systems import class_columns
from fullglow_jax.palette import EVALUATED, EVALUATED_COLOURS
from fullglow_jax.text_output import escaped

DPI = 120


def bits_chart(report: dict[str, Any]) -> bytes | None:
    """The distribution of bits/dim over examples, their parts, and each level's share."""
    if "bits_per_dim" not in report:
        return None
    headline = report["headline"]
    bits = {name: summary["mean"] for name, summary in report["bits_per_dim"].items()}
    parts = {
        name.removeprefix(f"{headline}/"): math.nan if mean is None else mean
        for name, mean in bits.items()
        if name.startswith(f"{headline}/")
    }
    levels = {name: parts.pop(name) for name in list(parts) if name.startswith("level_")}
    if parts and bits[headline] is not None:
        parts["a pixel's bits"] = bits[headline] - sum(parts.values())
    shown = {"what they add up from": parts, "the levels' shares": levels}
    shown = {title: values for title, values in shown.items() if values}
    chart = Figure(figsize=(4.5 * (1 + len(shown)), 3.4), layout="constrained")
    spread, *others = chart.subplots(1, 1 + len(shown), squeeze=False)[0]
    spread.hist([value for value in report["bits_per_dim_of_examples"] if value is not None])
    spread.set(title="of each example", xlabel=f"{headline} bits/dim", ylabel="examples")
    for axes, (title, values) in zip(others, shown.items(), strict=True):
        _bars(axes, list(values), {"": list(values.values())})
        axes.set(title=title, xlabel=f"{headline} bits/dim")
    return _png(chart)


def class_chart(reports: Sequence[dict[str, Any]]) -> bytes | None:
    """Each class's IoU, of all systems, and of true photos if a judge has labelled some."""
    columns = class_columns(reports)
    if not columns:
        return None
    names = [label.name for label in EVALUATED]
    series = {
        what: list(100 * np.array([scores["by_class"][name]["iou"] for name in names], float))
        for what, scores in columns.items()
    }
    height = 1.5 + 0.25 * len(names) * max(1, 0.6 * len(series))
    chart = Figure(figsize=(7, height), layout="constrained")
    axes = chart.subplots()
    _bars(axes, names, series)
    axes.set(xlabel="class IoU, %")
    return _png(chart)


def confusion_chart(report: dict[str, Any]) -> bytes | None:
    """For each true class, the shares of its pixels that were labelled as each class."""
    columns = class_columns([report])
    if not columns:
        return None
    chart = Figure(figsize=(7.5 * len(columns), 7), layout="constrained")
    places = chart.subplots(1, len(columns), squeeze=False)[0]
    for axes, (what, scores) in zip(places, columns.items(), strict=True):
        shown = _show_confusion(axes, np.array(scores["confusion"], np.float64))
        axes.set(title=what, xlabel="found", ylabel="true")
    chart.colorbar(shown, ax=places, shrink=0.7, label="% of the true class's pixels")
    return _png(chart)


def _show_confusion(axes: Axes, counts: np.ndarray) -> AxesImage:
    class_sizes = counts.sum(1, keepdims=True)
    share = np.full_like(counts, np.nan)
    np.divide(100 * counts, class_sizes, out=share, where=class_sizes > 0)
    shown = axes.imshow(share, cmap="Blues", vmin=0, vmax=100)
    for (true, found), value in np.ndenumerate(share):
        if value >= 1:
            colour = "white" if value > 60 else "black"
            axes.text(found, true, f"{value:.0f}", size=6, ha="center", va="center", color=colour)
    names = [label.name for label in EVALUATED]
    axes.set_xticks(range(len(names)), names, rotation=90)
    axes.set_yticks(range(len(names)), names)
    for ticks in (axes.get_xticklabels(), axes.get_yticklabels()):
        for tick, colour in zip(ticks, EVALUATED_COLOURS / 255, strict=True):
            tick.set_bbox({"facecolor": (*colour, 0.35), "edgecolor": "none", "pad": 1})
    return shown


def _bars(axes: Axes, names: Sequence[str], series: dict[str, list[float]]) -> None:
    """Groups of horizontal bars, the first name on top."""
    places = np.arange(len(names))
    height = 0.8 / len(series)
    for i, (what, values) in enumerate(series.items()):
        axes.barh(places + (i - (len(series) - 1) / 2) * height, values, height, label=_plain(what))
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)
    axes.axvline(0, color="black", linewidth=0.8)
    if len(series) > 1:
        axes.legend()


def _plain(name: str) -> str:
    """A name that Matplotlib shows as it is: not as a formula, and also in legends."""
    return escaped(f" {name}", "utf-8").replace("$", r"\$")


def _png(chart: Figure) -> bytes:
    file = io.BytesIO()
    # Without Matplotlib's version, the same figures give the same bytes.
    chart.savefig(file, dpi=DPI, metadata={"Software": None})
    return file.getvalue()
