"""Scores of drawn label maps."""

from collections.abc import Sequence

from fullglow_jax.data.faults import Fault
from fullglow_jax.evaluation.metrics.class_scores import ClassScores, class_scores, label_map_fault
from fullglow_jax.evaluation.metrics.metric import DrawnPair, Measurement, Result, Truth
from fullglow_jax.evaluation.segmentation_scores import (
    classes_of_colours,
    classes_of_label_map,
    confusion,
)


class PhotoToLabel(ClassScores):
    """Scores of drawn label maps: each pixel counts as the class with the nearest colour.

    They are computed at the true map's size, as in the original's evaluation.
    """

    name = "photo2label"
    about = "accuracies and IoU of drawn label maps"

    def fault(self, truth: Truth) -> Fault | None:
        return label_map_fault(truth.target, truth.name)

    def measure(self, pairs: Sequence[DrawnPair]) -> list[Measurement]:
        """Each round's confusion."""
        return [self._confusions(pair) for pair in pairs]

    def _confusions(self, pair: DrawnPair) -> Measurement:
        true = classes_of_label_map(pair.truth.target, pair.truth.name)
        return [confusion(true, classes_of_colours(image)) for image in pair.at_size]

    def result(self, measurements: Sequence[Measurement]) -> Result:
        """Mean and deviation over rounds, by class too."""
        return class_scores(measurements)
