"""Diversity of one instance's draws, all else of the photo kept, in reports."""

from typing import Any

from fullglow_jax.evaluation.metrics.metric import ExampleFigures, ModelMetric, Result
from fullglow_jax.evaluation.summary import Figure, figure
from fullglow_jax.sampling.capabilities import CONDITIONS, INSTANCES

DRAWS = 3
"""Draws of an instance in training's validation."""


class InstanceDiversity(ModelMetric):
    """The distance between photos of which one instance is drawn anew, inside of it and outside.

    A model does what it should if the first is large and the second small: `change_ratio` is the
    mean absolute change inside over that outside.
    """

    name = "instance_diversity"
    about = "distance between photos of which one instance is drawn anew, inside of it and outside"
    reads = ("rounds", "temperature")
    needs = (CONDITIONS, INSTANCES)
    higher_is_better = True

    @staticmethod
    def score(*arguments: Any) -> dict[str, Any]:
        """The entries of the report, JSON values."""
        from fullglow_jax.evaluation.instance_redraws import score_split

        return score_split(*arguments)

    @classmethod
    def of_examples(cls, model: Any, temperature: float) -> ExampleFigures:
        from fullglow_jax.evaluation.instance_redraws import redraw_distances

        distances = redraw_distances(model, DRAWS, temperature)
        return ExampleFigures(distances, "inside", f"{cls.name}/", higher_is_better=True)

    @classmethod
    def result_in(cls, report: dict[str, Any]) -> Result | None:
        return report.get(cls.name)

    @classmethod
    def value(cls, result: Result) -> float | None:
        """The mean distance inside."""
        return super().value(result["inside"])

    @classmethod
    def figures(cls, result: Result) -> list[Figure]:
        inside, outside = "instance diversity", "outside of the instance"
        change = "mean absolute change"
        ratio = "change inside / outside"
        return [
            figure(f"{inside}, inside", result["inside"], cls.digits, column=inside),
            figure(f"{inside}, outside", result["outside"], cls.digits, column=outside),
            figure(f"{change} inside", result["change_inside"], cls.digits),
            figure(f"{change} outside", result["change_outside"], cls.digits),
            figure(ratio, result["change_ratio"], 1, column=ratio),
        ]
