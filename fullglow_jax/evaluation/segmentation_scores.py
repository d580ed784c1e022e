"""How well label maps agree: accuracies and intersection over union, from a confusion matrix."""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from fullglow_jax.data.palette import EVALUATED, EVALUATED_COLOURS, IGNORED, LABELS
from fullglow_jax.errors import UserError


@dataclass(frozen=True)
class SegmentationScores:
    """Shares in [0, 1], as in Full-Glow's table 2 (there in percent).

    A class that occurs neither in the truth nor in what was predicted has no score and counts in
    no mean.

    Attributes:
        pixel_accuracy: Of all pixels, those predicted right.
        class_accuracy: Mean over the classes that occur in the truth, of the class's pixels those
            predicted right.
        class_iou: Mean over the classes that occur at all, of the class's pixels in the truth or
            in the prediction those in both.
        accuracies: (N,), by class; NaN where it does not occur in the truth.
        ious: (N,), by class; NaN where it does not occur.
    """

    pixel_accuracy: float
    class_accuracy: float
    class_iou: float
    accuracies: np.ndarray
    ious: np.ndarray


class Confusion:
    """Counts which class was predicted where which was true.

    Attributes:
        counts: int64 (N, N), by true and by predicted class.
    """

    def __init__(self, classes: int = len(EVALUATED)) -> None:
        self.counts = np.zeros((classes, classes), np.int64)

    def add(self, truth: np.ndarray, predicted: np.ndarray) -> None:
        """Counts an image's pixels, but for those whose true class is `palette.IGNORED`.

        Args:
            truth: Classes, integers (H, W), 0 … N−1 or `palette.IGNORED`.
            predicted: Classes, integers (H, W), 0 … N−1.

        Raises:
            ValueError: The two differ in shape, or a class is none.
        """
        if truth.shape != predicted.shape:
            raise ValueError(f"truth is {truth.shape} and the prediction {predicted.shape}")
        counted = truth != IGNORED
        true, guessed = truth[counted].astype(np.int64), predicted[counted].astype(np.int64)
        classes = len(self.counts)
        for name, values in (("truth", true), ("prediction", guessed)):
            if values.size and not 0 <= values.min() <= values.max() < classes:
                raise ValueError(f"the {name} has classes from {values.min()} to {values.max()}")
        pairs = np.bincount(true * classes + guessed, minlength=classes**2)
        self.counts += pairs.reshape(classes, classes)


def scores_of(counts: np.ndarray) -> SegmentationScores:
    """The scores of a confusion's counts, (N, N), by true and by predicted class.

    All are NaN where no pixel was counted.
    """
    right, true, guessed = np.diag(counts), counts.sum(1), counts.sum(0)
    either = true + guessed - right
    missing = np.full(len(right), np.nan)
    accuracies = np.divide(right, true, out=missing.copy(), where=true > 0)
    ious = np.divide(right, either, out=missing, where=either > 0)
    if not counts.any():
        return SegmentationScores(math.nan, math.nan, math.nan, accuracies, ious)
    return SegmentationScores(
        float(right.sum() / counts.sum()),
        float(np.nanmean(accuracies)),
        float(np.nanmean(ious)),
        accuracies,
        ious,
    )


def classes_of_colours(image: np.ndarray) -> np.ndarray:
    """The evaluated class whose colour is nearest to each pixel, uint8 (H, W, 3) → uint8 (H, W).

    For label maps that a model has drawn: its colours are never quite the palette's.
    """
    colours = EVALUATED_COLOURS.astype(np.int32)
    distance = np.zeros((len(colours), *image.shape[:2]), np.int32)
    for channel in range(3):
        difference = image[None, ..., channel].astype(np.int32) - colours[:, channel, None, None]
        distance += difference**2
    return distance.argmin(0).astype(np.uint8)


_NO_LABEL = 254


@cache
def _classes_by_colour() -> np.ndarray:
    """uint8 (256, 256, 256): the class of every colour there can be."""
    classes = np.full((256, 256, 256), _NO_LABEL, np.uint8)
    # Where an evaluated label shares its colour with another (poles and groups of them), it is
    # meant.
    for label in (*LABELS, *EVALUATED):
        classes[label.colour] = label.train_id
    return classes


def classes_of_label_map(image: np.ndarray, name: str) -> np.ndarray:
    """The classes of a true label map in Cityscapes' colours, uint8 (H, W, 3) → uint8 (H, W).

    Labels that are not evaluated are `palette.IGNORED`.

    Args:
        image: The label map.
        name: What to call it in a message.

    Raises:
        UserError: It has a colour that is no label's.
    """
    classes = _classes_by_colour()[image[..., 0], image[..., 1], image[..., 2]]
    unknown = classes == _NO_LABEL
    if unknown.any():
        raise UserError(
            f"{name}: {unknown.mean():.1%} of its pixels have colours that are no label's, "
            f"{tuple(image[unknown][0].tolist())} for one"
        )
    return classes
