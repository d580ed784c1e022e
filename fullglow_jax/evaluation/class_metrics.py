"""Figures of drawn images by the classes that are found in them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fullglow_jax.data.faults import Fault
from fullglow_jax.data.images import resize_nearest
from fullglow_jax.data.palette import EVALUATED, IGNORED
from fullglow_jax.errors import UserError
from fullglow_jax.evaluation.image_metrics import DrawnPair, Measurement
from fullglow_jax.evaluation.judge import Judge
from fullglow_jax.evaluation.segmentation_scores import (
    Confusion,
    classes_of_colours,
    classes_of_label_map,
    scores_of,
)
from fullglow_jax.evaluation.summary import over_rounds
from fullglow_jax.evaluation.truths import Truth

NO_LABEL_MAP = (
    "true label maps with colours that are no label's",
    "Expected label maps in Cityscapes' colours, of full size: resizing mixes colours.",
)


def label_map_fault(label_map: np.ndarray, name: str) -> Fault | None:
    """What keeps a true label map from being scored against, if anything does."""
    kind, mend = NO_LABEL_MAP
    try:
        classes_of_label_map(label_map, name)
    except UserError as error:
        return Fault(kind, str(error), mend)
    return None


class PhotoToLabel:
    """Scores of drawn label maps: each pixel counts as the class whose colour is nearest.

    At the true map's size, as in the original's evaluation.
    """

    depends = ()

    def fault(self, truth: Truth) -> Fault | None:
        """See `ImageMetric`."""
        return label_map_fault(truth.target, truth.name)

    def measure(self, pairs: Sequence[DrawnPair]) -> list[Measurement]:
        """Each round's confusion."""
        return [self._confusions(pair) for pair in pairs]

    def _confusions(self, pair: DrawnPair) -> Measurement:
        true = classes_of_label_map(pair.truth.target, pair.truth.name)
        return [_confusion(true, classes_of_colours(image)) for image in pair.at_size]

    def result(self, measurements: Sequence[Measurement]) -> dict[str, Any]:
        """Mean and deviation over rounds, by class too."""
        return _class_scores(measurements)


class Psp:
    """Scores of drawn photos: how well a judge finds their label maps in them (Full-Glow, table 2).

    Beside them, those of the true photos, which are the most that the judge allows, and of the
    drawn photos against other pairs' label maps, which are what a judge finds that any photo of
    the kind would do for.

    Args:
        judge: The segmentation network.
    """

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self.depends = judge.digest

    def fault(self, truth: Truth) -> Fault | None:
        """See `ImageMetric`."""
        return label_map_fault(truth.condition, truth.name)

    def measure(self, pairs: Sequence[DrawnPair]) -> list[Measurement]:
        """The confusions of all three, each round's."""
        photos = [photo for pair in pairs for photo in (pair.truth.target, *pair.at_size)]
        found = iter(self._judge.classes(photos))
        return [self._confusions(pair, [next(found) for _ in (0, *pair.images)]) for pair in pairs]

    def _confusions(self, pair: DrawnPair, found: Sequence[np.ndarray]) -> Measurement:
        of_truth, *of_images = found
        true = classes_of_label_map(pair.truth.condition, pair.truth.name)
        other = resize_nearest(_classes_if_any(pair.truth.other_condition), true.shape)
        return {
            "drawn": [_confusion(true, classes) for classes in of_images],
            "ground_truth": [_confusion(true, of_truth)],
            "shuffled": [_confusion(other, classes) for classes in of_images],
        }

    def result(self, measurements: Sequence[Measurement]) -> dict[str, Any]:
        """Mean and deviation over rounds; `ground_truth` and `shuffled` likewise."""
        of_all = {
            name: _class_scores([measured[name] for measured in measurements])
            for name in ("drawn", "ground_truth", "shuffled")
        }
        return {"judge": self._judge.name, **of_all.pop("drawn"), **of_all}


def _classes_if_any(label_map: np.ndarray | None) -> np.ndarray:
    if label_map is None:
        return np.full((1, 1), IGNORED, np.uint8)
    try:
        return classes_of_label_map(label_map, "")
    except UserError:  # its own pair tells of it
        return np.full((1, 1), IGNORED, np.uint8)


def _confusion(true: np.ndarray, found: np.ndarray) -> list[list[int]]:
    confusion = Confusion()
    confusion.add(true, found)
    return list(confusion.counts.tolist())


def _class_scores(measurements: Sequence[Measurement]) -> dict[str, Any]:
    """Scores of each round, by class too, and all rounds' counts.

    Args:
        measurements: (pairs, rounds, N, N) counts.
    """
    rounds = np.sum(np.array(measurements, np.int64), axis=0)
    scores = [scores_of(counts) for counts in rounds]
    by_class = {
        label.name: {
            "accuracy": _mean([s.accuracies[label.train_id] for s in scores]),
            "iou": _mean([s.ious[label.train_id] for s in scores]),
        }
        for label in EVALUATED
    }
    return {
        "pixel_accuracy": over_rounds([s.pixel_accuracy for s in scores]),
        "class_accuracy": over_rounds([s.class_accuracy for s in scores]),
        "class_iou": over_rounds([s.class_iou for s in scores]),
        "by_class": by_class,
        "confusion": rounds.sum(0).tolist(),
    }


def _mean(values: Sequence[float]) -> float | None:
    """The mean of those that are numbers."""
    numbers = [float(value) for value in values if not np.isnan(value)]
    return float(np.mean(numbers)) if numbers else None
