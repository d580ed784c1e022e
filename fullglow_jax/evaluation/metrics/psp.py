"""Scores of drawn photos by the labels that a judge finds in them."""

from collections.abc import Sequence
from contextlib import suppress

import numpy as np

from fullglow_jax.data.faults import Fault
from fullglow_jax.data.images import resize_nearest
from fullglow_jax.errors import UserError
from fullglow_jax.evaluation.metrics.class_scores import ClassScores, class_scores, label_map_fault
from fullglow_jax.evaluation.metrics.metric import DrawnPair, Judge, Measurement, Result, Truth
from fullglow_jax.evaluation.segmentation_scores import classes_of_label_map, confusion
from fullglow_jax.evaluation.summary import Figure
from fullglow_jax.palette import IGNORED

BESIDE = {"ground_truth": "true photos", "shuffled": "other maps' photos"}
"""Names of the scores beside those of drawn photos."""


class Psp(ClassScores):
    """Scores of drawn photos: how well a judge finds their label maps in them (Full-Glow, table 2).

    Beside them are the scores of the true photos, the highest that this judge allows, and of the
    drawn photos compared with other pairs' label maps, half a split away: any photo of such scenes
    would reach the latter.
    """

    name = "psp"
    about = "accuracies and IoU of label maps that a judge finds in drawn photos"
    reads = (*ClassScores.reads, "judge")
    observer = "judge"
    needs_observer = True

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self.depends = judge.digest

    def fault(self, truth: Truth) -> Fault | None:
        return label_map_fault(truth.condition, truth.name)

    def measure(self, pairs: Sequence[DrawnPair]) -> list[Measurement]:
        """The confusions of all three, of each round."""
        photos = [photo for pair in pairs for photo in (pair.truth.target, *pair.at_size)]
        found = iter(self._judge.classes(photos))
        return [self._confusions(pair, [next(found) for _ in (0, *pair.images)]) for pair in pairs]

    def _confusions(self, pair: DrawnPair, found: Sequence[np.ndarray]) -> Measurement:
        truth_classes, *drawn_classes = found
        true = classes_of_label_map(pair.truth.condition, pair.truth.name)
        other = resize_nearest(_classes_if_any(pair.truth.other_condition), true.shape)
        return {
            "drawn": [confusion(true, classes) for classes in drawn_classes],
            "ground_truth": [confusion(true, truth_classes)],
            "shuffled": [confusion(other, classes) for classes in drawn_classes],
        }

    def result(self, measurements: Sequence[Measurement]) -> Result:
        """Mean and deviation over rounds; `ground_truth` and `shuffled` likewise."""
        scores = {
            name: class_scores([measured[name] for measured in measurements])
            for name in ("drawn", *BESIDE)
        }
        return {"judge": self._judge.name, **scores.pop("drawn"), **scores}

    @classmethod
    def setting(cls, result: Result) -> str:
        judge: str = result["judge"]
        return judge

    @classmethod
    def figures(cls, result: Result) -> list[Figure]:
        found = cls.percentages("psp, ", result)
        for key, images in BESIDE.items():
            found += cls.percentages(f"psp of {images}, ", result[key], images)
        return found

    @classmethod
    def by_class(cls, result: Result) -> dict[str, Result]:
        key = "ground_truth"
        return {**super().by_class(result), BESIDE[key]: result[key]}


def _classes_if_any(label_map: np.ndarray | None) -> np.ndarray:
    with suppress(UserError):  # reported with its own pair, if that is scored
        if label_map is not None:
            return classes_of_label_map(label_map, "")
    return np.full((1, 1), IGNORED, np.uint8)
