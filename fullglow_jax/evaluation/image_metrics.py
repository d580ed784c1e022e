"""Figures of drawn images beside the true ones, several rounds of each."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any, NamedTuple, Protocol

import dm_pix
import jax
import numpy as np

from fullglow_jax.data.faults import Fault
from fullglow_jax.data.images import resize_bilinear
from fullglow_jax.evaluation.judge import Judge
from fullglow_jax.evaluation.summary import over_examples, over_rounds
from fullglow_jax.evaluation.truths import Truth

Measurement = Any
"""Of one pair; JSON values, so that it can be kept, and sent between processes."""


class DrawnPair(NamedTuple):
    """What is held against what.

    Attributes:
        truth: A pair of the data set.
        images: What was drawn for it, uint8 (h, w, 3), one of each round.
    """

    truth: Truth
    images: Sequence[np.ndarray]

    @property
    def at_size(self) -> list[np.ndarray]:
        """The images, stretched to the true one's size."""
        size = self.truth.target.shape[:2]
        return [i if i.shape[:2] == size else resize_bilinear(i, size) for i in self.images]


class ImageMetric(Protocol):
    """What is found out about a set of images: of each pair, then of all that was found so.

    Attributes:
        depends: What measurements depend on beside the pair; digestible.
    """

    depends: Any

    def fault(self, truth: Truth) -> Fault | None:
        """What keeps images from being scored against a truth, if anything does."""

    def measure(self, pairs: Sequence[DrawnPair]) -> list[Measurement]:
        """What is found out about each of some pairs that have no fault."""

    def result(self, measurements: Sequence[Measurement]) -> dict[str, Any]:
        """What comes out of all pairs' measurements, JSON values."""


class OfAnyImages:
    """A metric that all images can be scored by."""

    def fault(self, truth: Truth) -> Fault | None:
        """See `ImageMetric`."""
        del truth
        return None


class Similarity(OfAnyImages):
    """The mean of a similarity over images, at the true image's size (as in Full-Glow's code)."""

    depends = ()

    def __init__(self, similarity: Any) -> None:
        self._similarity = jax.jit(similarity)

    def measure(self, pairs: Sequence[DrawnPair]) -> list[Measurement]:
        """Each round's."""
        return [
            [float(self._similarity(_unit(pair.truth.target), _unit(i))) for i in pair.at_size]
            for pair in pairs
        ]

    def result(self, measurements: Sequence[Measurement]) -> dict[str, Any]:
        """Mean and deviation over rounds."""
        return over_rounds(np.mean(measurements, axis=0))


def ssim() -> Similarity:
    """Structural similarity (Wang et al. 2004), with its Gaussian window of 11 pixels."""
    return Similarity(dm_pix.ssim)


def psnr() -> Similarity:
    """Peak signal-to-noise ratio in decibels; None where an image is the truth itself."""
    return Similarity(dm_pix.psnr)


class Diversity(OfAnyImages):
    """How far the rounds' images of one pair are apart: the mean over pairs of rounds.

    In pixels: the root mean square of their difference, in [0, 1]. In the features of a judge: the
    squared distance of features of unit length, from 0 to 4, the mean over places, which is LPIPS
    (Zhang et al. 2018) without its weights, on what the judge's classifier reads.

    Args:
        judge: Whose features; None for pixels alone.
    """

    def __init__(self, judge: Judge | None = None) -> None:
        self._judge = judge
        self.depends = judge.digest if judge else ()

    def measure(self, pairs: Sequence[DrawnPair]) -> list[Measurement]:
        """[pixels, features], each None where there is none."""
        return [[self._in_pixels(pair), self._in_features(pair)] for pair in pairs]

    def _in_pixels(self, pair: DrawnPair) -> float | None:
        alike = len({image.shape for image in pair.images}) == 1
        return _apart(pair.images if alike else pair.at_size, _rms)

    def _in_features(self, pair: DrawnPair) -> float | None:
        if self._judge is None:
            return None
        features = [_of_unit_length(f) for f in self._judge.features(pair.at_size)]
        return _apart(features, lambda a, b: float(np.square(a - b).sum(-1).mean()))

    def result(self, measurements: Sequence[Measurement]) -> dict[str, Any]:
        """Means over conditions, None of a single round, and their standard errors."""
        pixels, features = zip(*measurements, strict=True)
        found = over_examples(pixels)
        return found if self._judge is None else {**found, "features": over_examples(features)}


def _apart(images: Sequence[np.ndarray], distance: Any) -> float | None:
    distances = [distance(a, b) for a, b in combinations(images, 2)]
    return float(np.mean(distances)) if distances else None


def _rms(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.sqrt(np.square(_unit(a) - _unit(b)).mean()))


def _of_unit_length(features: np.ndarray) -> np.ndarray:
    length = np.sqrt(np.square(features).sum(-1, keepdims=True))
    return features / np.maximum(length, 1e-10)


def _unit(image: np.ndarray) -> np.ndarray:
    return image.astype(np.float32) / 255
