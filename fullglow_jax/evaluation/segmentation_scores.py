"""Accuracies and intersection over union of label maps, from a confusion matrix."""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from fullglow_jax.errors import UserError
from fullglow_jax.palette import EVALUATED, EVALUATED_COLOURS, IGNORED, LABELS, nearest_colour


@dataclass(frozen=True)
class SegmentationScores:
    """Shares in [0, 1], as in Full-Glow's table 2 (there in percent).

    A class that occurs neither in the truth nor in the prediction has no score and counts in no
    mean.

    Attributes:
        pixel_accuracy: Share of all pixels that are predicted right.
        class_accuracy: Mean of `accuracies` over the classes that occur in the truth.
        class_iou: Mean of `ious` over the classes that occur at all.
        accuracies: (N,), share of each class's true pixels that are predicted right; NaN if it does
            not occur in the truth.
        ious: (N,), each class's pixels in both truth and prediction, divided by its pixels in
            either; NaN if it does not occur.
    """

    pixel_accuracy: float
    class_accuracy: float
    class_iou: float
    accuracies: np.ndarray
    ious: np.ndarray


def confusion(
    truth: np.ndarray, predicted: np.ndarray, classes: int = len(EVALUATED)
) -> np.ndarray:
    """The number of an image's pixels of each true and predicted class, int64 (N, N).

    Pixels whose true class is `palette.IGNORED` are not counted.

    Args:
        truth: Classes, integers (H, W), 0 … N−1 or `palette.IGNORED`.
        predicted: Classes, integers (H, W), 0 … N−1.
        classes: N.

    Raises:
        ValueError: If the two differ in shape, or a value is not a class.
    """
    if truth.shape != predicted.shape:
        raise ValueError(f"truth is {truth.shape} and the prediction {predicted.shape}")
    counted = truth != IGNORED
    true, guessed = truth[counted].astype(np.int64), predicted[counted].astype(np.int64)
    for name, values in (("truth", true), ("prediction", guessed)):
        if values.size and not 0 <= values.min() <= values.max() < classes:
            raise ValueError(f"the {name} has classes from {values.min()} to {values.max()}")
    pairs = np.bincount(true * classes + guessed, minlength=classes**2)
    return pairs.astype(np.int64).reshape(classes, classes)


def scores_of(counts: np.ndarray) -> SegmentationScores:
    """The scores of counts, (N, N), by true and by predicted class; NaN if there are no pixels."""
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

    It is for label maps that a model has drawn, whose colours are never exactly the palette's.
    """
    return nearest_colour(image, EVALUATED_COLOURS).astype(np.uint8)


_NO_LABEL = 254


@cache
def _classes_by_colour() -> np.ndarray:
    """uint8 (256, 256, 256): the class of every possible colour."""
    classes = np.full((256, 256, 256), _NO_LABEL, np.uint8)
    # Of labels with one colour (poles and groups of poles), the evaluated one is meant.
    for label in (*LABELS, *EVALUATED):
        classes[label.colour] = label.train_id
    return classes


def classes_of_label_map(image: np.ndarray, name: str) -> np.ndarray:
    """The classes of a true label map in Cityscapes' colours, uint8 (H, W, 3) → uint8 (H, W).

    Labels that are not evaluated are `palette.IGNORED`.

    Args:
        image: The label map.
        name: Its name for messages.

    Raises:
        UserError: If it has a colour that is no label's.
    """
    classes = _classes_by_colour()[image[..., 0], image[..., 1], image[..., 2]]
    unknown = classes == _NO_LABEL
    if unknown.any():
        raise UserError(
            f"{name}: {unknown.mean():.1%} of its pixels have colours that are no label's, "
            f"{tuple(image[unknown][0].tolist())} for one"
        )
    return classes
