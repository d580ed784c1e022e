"""The figures of an evaluation, one per row."""

from typing import Any

from fullglow_jax.evaluation.metrics import METRICS
from fullglow_jax.evaluation.metrics.metric import Metric, Result
from fullglow_jax.evaluation.summary import Figure


def results(report: dict[str, Any]) -> dict[type[Metric], Result]:
    """A report's result of each metric, in the order of `METRICS`."""
    found = {metric: metric.result_in(report) for metric in METRICS.values()}
    return {metric: result for metric, result in found.items() if result is not None}


def figures(report: dict[str, Any]) -> list[Figure]:
    """All figures of a report."""
    return [f for metric, result in results(report).items() for f in metric.figures(result)]


def notes(report: dict[str, Any]) -> list[str]:
    """What a reader of the figures must know."""
    found = [metric.note(result) for metric, result in results(report).items()]
    if reason := report.get("images", {}).get("without_noise"):
        found.append(f"all images of a condition are the same: {reason}")
    return [note for note in found if note]


def about(report: dict[str, Any]) -> str:
    """What stands beside a report's figures in tables: its title, settings and notes."""
    settings = [
        f"{metric.name} by {setting}"
        for metric, result in results(report).items()
        if (setting := metric.setting(result))
    ]
    return "; ".join((title(report), *settings, *notes(report)))


def title(report: dict[str, Any]) -> str:
    """A title with the system and the split, in a few words."""
    images = report.get("images")
    count = images["rounds"] if images else 0
    rounds = f", {count} round{'s' if count > 1 else ''} of images" if count else ""
    if images and images["examples"] < report["examples"]:
        rounds += f" of {images['examples']} of them"
    scored = "" if report["checkpoint"] is None else f", step {report['checkpoint']}"
    networks = [
        result[key]
        for result in results(report).values()
        for key in ("judge", "network")
        if key in result
    ]
    judge = f", judged by {' and '.join(dict.fromkeys(networks))}" if networks else ""
    of_split = "images" if report["split"] is None else f"examples of {report['split']}"
    return f"{report['examples']} {of_split}{scored}{rounds}{judge}"
