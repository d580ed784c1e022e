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
    return [note for note in found if note]


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
    return f"{report['examples']} examples of {report['split']}{scored}{rounds}{judge}"
