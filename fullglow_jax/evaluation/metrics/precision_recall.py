"""Precision and recall of drawn images, in reports."""

from collections.abc import Sequence

from fullglow_jax.evaluation.metrics.metric import ImageMetric, Result
from fullglow_jax.evaluation.metrics.of_sets import OF_INCEPTION, Seen, SetMetric, features_of
from fullglow_jax.evaluation.of_features.precision_recall import NEIGHBOURS, precision_recall


class PrecisionRecall(SetMetric):
    """Precision and recall in Inception's features (Kynkäänniemi et al. 2019), of 3 neighbours."""

    name = "precision_recall"
    about = "shares of good images among the drawn, and of true ones that could have been drawn"
    reads = (*ImageMetric.reads, *OF_INCEPTION, "against")
    observer = measured_as = "inception"
    higher_is_better = True
    columns = (("precision", "precision"), ("recall", "recall"))
    needs_images = True
    least = NEIGHBOURS + 1

    def of_round(self, drawn: Sequence[Seen], true: Sequence[Seen]) -> dict[str, float]:
        precision, recall = precision_recall(features_of(drawn), features_of(true))
        return {"precision": precision, "recall": recall}

    @classmethod
    def value(cls, result: Result) -> float | None:
        """The harmonic mean of both."""
        precision, recall = (result[name]["mean"] for name, _ in cls.columns)
        if precision is None or recall is None:
            return None
        return 2 * precision * recall / ((precision + recall) or 1)
