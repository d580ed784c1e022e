"""Bits per dimension, in reports."""

from typing import Any

from fullglow_jax.evaluation.metrics.metric import ExampleFigures, ModelMetric, Result
from fullglow_jax.evaluation.summary import Figure, figure
from fullglow_jax.sampling.capabilities import LIKELIHOOD


class BitsPerDimension(ModelMetric):
    """Bits per dimension of a split, with different dequantisation noise for each example."""

    name = "bpd"
    about = "bits per dimension"
    reads = ("draws",)
    needs = (LIKELIHOOD,)
    higher_is_better = False
    paper_columns = ("cond. bits/dim",)

    @staticmethod
    def score(*arguments: Any) -> dict[str, Any]:
        """The entries of the report, JSON values."""
        from fullglow_jax.evaluation.bits_per_dim import score_split

        return score_split(*arguments)

    @classmethod
    def of_examples(cls, model: Any, temperature: float) -> ExampleFigures:
        from fullglow_jax.runs.score import BITS_PER_DIM

        del temperature
        return ExampleFigures(model.bits_per_dim, model.headline, BITS_PER_DIM)

    @classmethod
    def result_in(cls, report: dict[str, Any]) -> Result | None:
        """The report itself."""
        return report if "bits_per_dim" in report else None

    @classmethod
    def value(cls, result: Result) -> float | None:
        """The headline's mean."""
        return super().value(result["bits_per_dim"][result["headline"]])

    @classmethod
    def figures(cls, result: Result) -> list[Figure]:
        """The figures; the column has the headline's name, if it is not in its title."""
        headline, bits = result["headline"], result["bits_per_dim"]
        weighted = result.get("importance_weighted_bits_per_dim", {})
        found = {name: figure(f"bits/dim, {name}", bits[name], cls.digits) for name in bits}
        suffix = "" if headline == "conditional" else f" ({headline})"
        found[headline] = found[headline]._replace(
            both=figure("", bits[headline], 3).both + suffix, column=cls.paper_columns[0]
        )
        weighted_name = "importance-weighted bits/dim"
        return [
            *found.values(),
            *(figure(f"{weighted_name}, {name}", weighted[name], cls.digits) for name in weighted),
        ]
