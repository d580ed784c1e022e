"""Figures of drawn images beside the true ones, several rounds of each."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from itertools import combinations
from typing import Any, Protocol

import dm_pix
import jax
import numpy as np

from fullglow_jax.data.images import resize_bilinear
from fullglow_jax.data.palette import EVALUATED
from fullglow_jax.evaluation.judge import Judge
from fullglow_jax.evaluation.segmentation_scores import (
    Confusion,
    classes_of_colours,
    classes_of_label_map,
)
from fullglow_jax.evaluation.truths import Truth


class ImageMetric(Protocol):
    """What is found out about a set of images, pair by pair."""

    def add(self, truth: Truth, images: Sequence[np.ndarray]) -> None:
        """Takes the images that were drawn for one pair, uint8 (h, w, 3), one of each round.

        Raises:
            UserError: The truth is nothing that can be scored so.
        """

    def result(self) -> dict[str, Any]:
        """What came out, as JSON values; figures in `rounds` are one a round."""


class Similarity:
    """The mean of a similarity over images, at the true image's size (as in Full-Glow's code)."""

    def __init__(self, similarity: Any) -> None:
        self._similarity = jax.jit(similarity)
        self._values: list[list[float]] = []

    def add(self, truth: Truth, images: Sequence[np.ndarray]) -> None:
        """See `ImageMetric`."""
        true = _unit(truth.target)
        drawn = (_unit(at_size_of(truth, image)) for image in images)
        self._values.append([float(self._similarity(true, image)) for image in drawn])

    def result(self) -> dict[str, Any]:
        """Mean and deviation over rounds."""
        return _over_rounds(np.mean(self._values, axis=0))


def ssim() -> Similarity:
    """Structural similarity (Wang et al. 2004), with its Gaussian window of 11 pixels."""
    return Similarity(dm_pix.ssim)


def psnr() -> Similarity:
    """Peak signal-to-noise ratio in decibels; None where an image is the truth itself."""
    return Similarity(dm_pix.psnr)


class PhotoToLabel:
    """Scores of drawn label maps: each pixel counts as the class whose colour is nearest.

    At the true map's size, as in the original's evaluation.
    """

    def __init__(self) -> None:
        self._confusions: list[Confusion] = []

    def add(self, truth: Truth, images: Sequence[np.ndarray]) -> None:
        """See `ImageMetric`."""
        classes = classes_of_label_map(truth.target, truth.name)
        self._confusions = self._confusions or [Confusion() for _ in images]
        for confusion, image in zip(self._confusions, images, strict=True):
            confusion.add(classes, classes_of_colours(at_size_of(truth, image)))

    def result(self) -> dict[str, Any]:
        """Mean and deviation over rounds, by class too."""
        return _class_scores(self._confusions)


class Psp:
    """Scores of drawn photos: how well a judge finds their label maps in them (Full-Glow, table 2).

    Beside them, those of the true photos, which are the most that the judge allows, and of the
    drawn photos against the label maps of the pairs before them, which are what a judge finds
    that any photo of the kind would do for.

    Args:
        judge: The segmentation network.
    """

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._confusions: list[Confusion] = []
        self._of_others: list[Confusion] = []
        self._of_truths = Confusion()
        self._classes_before: np.ndarray | None = None
        self._first: list[np.ndarray] = []

    def add(self, truth: Truth, images: Sequence[np.ndarray]) -> None:
        """See `ImageMetric`."""
        classes = classes_of_label_map(truth.condition, truth.name)
        self._of_truths.add(classes, self._judge(truth.target))
        found = [self._judge(at_size_of(truth, image)) for image in images]
        if self._classes_before is None:
            self._confusions, self._of_others = ([Confusion() for _ in images] for _ in "ab")
            self._first = found
        else:
            self._add_other(self._of_others, found)
        for confusion, of_image in zip(self._confusions, found, strict=True):
            confusion.add(classes, of_image)
        self._classes_before = classes

    def _add_other(self, confusions: Sequence[Confusion], found: Sequence[np.ndarray]) -> None:
        before = self._classes_before
        for confusion, of_image in zip(confusions, found, strict=True):
            if before is not None and before.shape == of_image.shape:
                confusion.add(before, of_image)

    def result(self) -> dict[str, Any]:
        """Mean and deviation over rounds; `ground_truth` and `shuffled` likewise."""
        of_others = deepcopy(self._of_others)
        self._add_other(of_others, self._first)  # before the first is the last
        return {
            **_class_scores(self._confusions),
            "ground_truth": _class_scores([self._of_truths]),
            "shuffled": _class_scores(of_others),
        }


def _class_scores(confusions: Sequence[Confusion]) -> dict[str, Any]:
    """Scores of each round's confusion, by class too, and all rounds' counts."""
    scores = [confusion.scores() for confusion in confusions]
    by_class = {
        label.name: {
            "accuracy": _mean([s.accuracies[label.train_id] for s in scores]),
            "iou": _mean([s.ious[label.train_id] for s in scores]),
        }
        for label in EVALUATED
    }
    return {
        "pixel_accuracy": _over_rounds([s.pixel_accuracy for s in scores]),
        "class_accuracy": _over_rounds([s.class_accuracy for s in scores]),
        "class_iou": _over_rounds([s.class_iou for s in scores]),
        "by_class": by_class,
        "confusion": np.sum([confusion.counts for confusion in confusions], axis=0).tolist(),
    }


class Diversity:
    """How far the rounds' images of one pair are apart: root mean square of pixels in [0, 1].

    The mean over pairs of rounds, then over conditions.
    """

    def __init__(self) -> None:
        self._values: list[float] = []

    def add(self, truth: Truth, images: Sequence[np.ndarray]) -> None:
        """See `ImageMetric`."""
        del truth
        distances = [
            float(np.sqrt(np.square(_unit(a) - _unit(b)).mean()))
            for a, b in combinations(images, 2)
        ]
        if distances:
            self._values.append(float(np.mean(distances)))

    def result(self) -> dict[str, Any]:
        """The mean, None of a single round."""
        return {"mean": float(np.mean(self._values)) if self._values else None}


METRICS: dict[str, Callable[[], ImageMetric]] = {
    "ssim": ssim,
    "psnr": psnr,
    "photo2label": PhotoToLabel,
    "diversity": Diversity,
}
"""Those that need nothing else than images."""


def at_size_of(truth: Truth, image: np.ndarray) -> np.ndarray:
    """The image, stretched to the true one's size."""
    size = truth.target.shape[:2]
    return image if image.shape[:2] == size else resize_bilinear(image, size)


def _unit(image: np.ndarray) -> np.ndarray:
    return image.astype(np.float32) / 255


def _mean(values: Sequence[float]) -> float | None:
    """The mean of those that are numbers."""
    numbers = [float(value) for value in values if not np.isnan(value)]
    return float(np.mean(numbers)) if numbers else None


def _over_rounds(values: Sequence[float] | np.ndarray) -> dict[str, Any]:
    rounds = [float(value) for value in values]
    if not np.isfinite(rounds).all():  # which JSON has no number for
        return {"mean": None, "deviation": None, "rounds": [None] * len(rounds)}
    deviation = float(np.std(rounds, ddof=1)) if len(rounds) > 1 else None
    return {"mean": float(np.mean(rounds)), "deviation": deviation, "rounds": rounds}
