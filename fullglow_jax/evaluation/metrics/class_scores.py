"""Scores of the classes that are found in images."""

from collections.abc import Sequence

import numpy as np

from fullglow_jax.data.faults import Fault
from fullglow_jax.errors import UserError
from fullglow_jax.evaluation.metrics.metric import ImageMetric, Measurement, Result
from fullglow_jax.evaluation.segmentation_scores import classes_of_label_map, scores_of
from fullglow_jax.evaluation.summary import Figure, figure, over_rounds
from fullglow_jax.palette import EVALUATED

COLUMNS = {
    "pixel accuracy": "pixel acc.",
    "class accuracy": "class acc.",
    "class IoU": "class IoU",
}


class ClassScores(ImageMetric):
    """Accuracies and IoU over the classes of Cityscapes, as in Full-Glow's table 2."""

    higher_is_better = True
    compared = "label map"
    digits = 2
    paper_columns = tuple(COLUMNS.values())

    @classmethod
    def value(cls, result: Result) -> float | None:
        """The mean IoU."""
        return super().value(result["class_iou"])

    @classmethod
    def figures(cls, result: Result) -> list[Figure]:
        return cls.percentages("", result)

    @classmethod
    def percentages(cls, prefix: str, scores: Result, images: str = "") -> list[Figure]:
        """The three figures of scores."""
        return [
            figure(
                f"{prefix}{kind}, %",
                scores[kind.replace(" ", "_").lower()],
                cls.digits,
                factor=100,
                column=column,
                images=images,
            )
            for kind, column in COLUMNS.items()
        ]

    @classmethod
    def by_class(cls, result: Result) -> dict[str, Result]:
        return {"": result}


def label_map_fault(label_map: np.ndarray, name: str) -> Fault | None:
    """The reason why a true label map cannot be used for scores, if any."""
    try:
        classes_of_label_map(label_map, name)
    except UserError as error:
        kind = "true label maps with colours that are no label's"
        mend = "Expected label maps in Cityscapes' colours, of full size: resizing mixes colours."
        return Fault(kind, str(error), mend)
    return None


def class_scores(measurements: Sequence[Measurement]) -> Result:
    """Scores of each round, also by class, from (pairs, rounds, N, N) counts; and all counts."""
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
    """The mean of the values that are numbers."""
    numbers = [float(value) for value in values if not np.isnan(value)]
    return float(np.mean(numbers)) if numbers else None
