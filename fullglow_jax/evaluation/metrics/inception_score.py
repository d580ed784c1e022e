"""Inception score, in reports."""

from collections.abc import Sequence

import numpy as np

from fullglow_jax.evaluation.metrics.metric import ImageMetric, Result
from fullglow_jax.evaluation.metrics.of_sets import OF_INCEPTION, Seen, SetMetric
from fullglow_jax.evaluation.of_features.inception_score import PARTS, inception_scores


class InceptionScore(SetMetric):
    """Inception score (Salimans et al. 2016), the mean over 10 parts of the images.

    It compares with no true image, and there is none in other features than Inception's.
    """

    name = "is"
    about = "Inception score: how surely images are of one of ImageNet's classes, and of how many"
    reads = (*ImageMetric.reads, *OF_INCEPTION)
    observer = measured_as = "inception"
    higher_is_better = True
    compared = ""
    digits = 3
    columns = (("score", "IS"),)
    least = PARTS

    def of_round(self, drawn: Sequence[Seen], true: Sequence[Seen]) -> dict[str, float]:
        del true
        scores = inception_scores(np.stack([each["logits"] for each in drawn]))
        return {"score": float(scores.mean()), "deviation_of_parts": float(scores.std())}

    @classmethod
    def caution(cls, result: Result) -> str:
        count = result["images"]
        few = f"IS of {count} images is too low: fewer than ImageNet's classes can be in them"
        return few if count < 1000 * PARTS else ""
