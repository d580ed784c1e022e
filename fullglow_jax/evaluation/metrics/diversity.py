"""Diversity of the images of one condition."""

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np

from fullglow_jax.evaluation.metrics.metric import (
    DrawnPair,
    ImageMetric,
    Judge,
    Measurement,
    Result,
    unit,
)
from fullglow_jax.evaluation.summary import Figure, figure, over_examples


class Diversity(ImageMetric):
    """The distance between images of one condition, the mean over all pairs of rounds.

    It is computed in pixels, and with a judge also in the features that its classifier reads.
    """

    name = "diversity"
    about = "distance between images of one condition, with a judge in its features too"
    reads = (*ImageMetric.reads, "judge")
    observer = "judge"
    higher_is_better = True
    compared = ""

    def __init__(self, judge: Judge | None = None) -> None:
        self._judge = judge
        self.depends = judge.digest if judge else ()

    def measure(self, pairs: Sequence[DrawnPair]) -> list[Measurement]:
        """[pixels, features], each None if it cannot be computed."""
        return [[self._in_pixels(pair), self._in_features(pair)] for pair in pairs]

    def _in_pixels(self, pair: DrawnPair) -> float | None:
        return _apart(list(map(unit, pair.as_drawn)), root_mean_square)

    def _in_features(self, pair: DrawnPair) -> float | None:
        if self._judge is None:
            return None
        return _apart(self._judge.features(pair.at_size), feature_distance)

    def result(self, measurements: Sequence[Measurement]) -> Result:
        """Means over conditions with their standard errors; None with a single round."""
        pixels, features = zip(*measurements, strict=True)
        found = over_examples(pixels)
        return found if self._judge is None else {**found, "features": over_examples(features)}

    @classmethod
    def figures(cls, result: Result) -> list[Figure]:
        features = result.get("features")
        in_features = "diversity in the judge's features"
        return [
            *super().figures(result),
            *([figure(in_features, features, cls.digits)] if features else []),
        ]


def root_mean_square(x: np.ndarray, y: np.ndarray) -> float:
    """The root mean square of the difference of two images, float in [0, 1]."""
    return float(np.sqrt(np.square(x - y).mean()))


def feature_distance(x: np.ndarray, y: np.ndarray) -> float:
    """The squared distance of features (h, w, C) of unit length, from 0 to 4, the mean over pixels.

    It is LPIPS (Zhang et al. 2018) without its weights.
    """
    return float(np.square(_of_unit_length(x) - _of_unit_length(y)).sum(-1).mean())


def _of_unit_length(features: np.ndarray) -> np.ndarray:
    length = np.sqrt(np.square(features).sum(-1, keepdims=True))
    return features / np.maximum(length, 1e-10)


def _apart(
    images: Sequence[np.ndarray], distance: Callable[[np.ndarray, np.ndarray], float]
) -> float | None:
    distances = [distance(a, b) for a, b in combinations(images, 2)]
    return float(np.mean(distances)) if distances else None
