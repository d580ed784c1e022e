"""LPIPS to the true image, and between the images of one condition."""

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from fullglow_jax.data.faults import Fault
from fullglow_jax.evaluation.metrics.metric import (
    DrawnPair,
    ImageMetric,
    Measurement,
    Result,
    Truth,
)
from fullglow_jax.evaluation.summary import Figure, figure, over_examples, over_rounds

if TYPE_CHECKING:
    from fullglow_jax.evaluation.observers import LpipsObserver
else:
    LpipsObserver = Any


class Lpips(ImageMetric):
    """LPIPS (Zhang et al. 2018) of drawn images: from the true one, at its size, and their own.

    The latter is the diversity of the images of one condition, the mean over all pairs of rounds,
    as papers of GANs tell it: at the size that they were drawn at, if the network takes it.
    """

    name = "lpips"
    about = "learned distance of drawn images from the true ones, and of those of one condition"
    reads = (*ImageMetric.reads, "lpips_weights", "lpips_network", "against")
    observer = "lpips"
    needs_observer = True
    higher_is_better = False

    def __init__(self, observer: LpipsObserver) -> None:
        self._observer = observer
        self.depends = observer.digest

    def fault(self, truth: Truth) -> Fault | None:
        height, width = truth.target.shape[:2]
        if min(height, width) >= self._observer.least:
            return None
        kind = f"true images that are too small for {self._observer.name}"
        mend = f"It takes heights and widths from {self._observer.least} on."
        return Fault(kind, f"{truth.name} is {height}×{width}", mend)

    def measure(self, pairs: Sequence[DrawnPair]) -> list[Measurement]:
        """[the distance of each round from the truth, the mean distance of two rounds if any]."""
        return [[self._from_truth(pair), self._apart(pair)] for pair in pairs]

    def _from_truth(self, pair: DrawnPair) -> list[float]:
        return self._observer.distances([(pair.truth.target, image) for image in pair.at_size])

    def _apart(self, pair: DrawnPair) -> float | None:
        small = min(pair.as_drawn[0].shape[:2]) < self._observer.least
        of_two = list(combinations(pair.at_size if small else pair.as_drawn, 2))
        return float(np.mean(self._observer.distances(of_two))) if of_two else None

    def result(self, measurements: Sequence[Measurement]) -> Result:
        """Mean and deviation over rounds; "diversity": mean and standard error over conditions."""
        from_truth, apart = zip(*measurements, strict=True)
        return {
            "network": self._observer.name,
            **over_rounds(np.array(from_truth, np.float64).mean(axis=0)),
            "diversity": over_examples(apart),
        }

    @classmethod
    def setting(cls, result: Result) -> str:
        network: str = result["network"]
        return network

    @classmethod
    def figures(cls, result: Result) -> list[Figure]:
        diversity = "LPIPS diversity"
        return [
            figure(result["network"], result, cls.digits, column="LPIPS"),
            figure(diversity, result["diversity"], cls.digits, column=diversity),
        ]
