"""Fréchet distances: FID, and that in the features of the judge."""

from collections.abc import Sequence

from fullglow_jax.evaluation.metrics.metric import ImageMetric, Measurement, Result
from fullglow_jax.evaluation.metrics.of_sets import OF_INCEPTION, Seen, SetMetric, features_of
from fullglow_jax.evaluation.of_features.frechet_distance import (
    Statistics,
    frechet_distance,
    statistics,
)

FEW = 10_000
"""Images from which on the bias is small; FID's authors ask for so many at least."""


class FrechetDistance(SetMetric):
    """The Fréchet distance of the drawn images from the true ones.

    Attributes:
        reference: Statistics of the latter, from when there is a result; None of too few images.
    """

    digits = 2
    reference: Statistics | None = None

    def result(self, measurements: Sequence[Measurement]) -> Result:
        self.reference = self._statistics(self.true(measurements))
        return super().result(measurements)

    def of_round(self, drawn: Sequence[Seen], true: Sequence[Seen]) -> dict[str, float]:
        del true  # of which there may be statistics alone
        assert self.reference is not None
        return {"distance": frechet_distance(statistics(features_of(drawn)), self.reference)}

    def _statistics(self, true: Sequence[Seen]) -> Statistics | None:
        if self.against is not None and self.against.statistics is not None:
            return self.against.statistics
        return statistics(features_of(true)) if len(true) >= self.least else None

    @property
    def network(self) -> tuple[str, str]:
        """Name and digest of the network whose features `reference` is of."""
        return self._observer.name, self._observer.digest

    @classmethod
    def caution(cls, result: Result) -> str:
        if result["images"] >= FEW:
            return ""
        few = f"{cls.title()} of {result['images']} images is biased upward"
        return f"{few}; compare it with that of as many images alone"


class Fid(FrechetDistance):
    """FID: the Fréchet distance in the features of TensorFlow's Inception (Heusel et al. 2017)."""

    name = "fid"
    about = "Fréchet distance of drawn images from the true ones in Inception's features"
    reads = (*ImageMetric.reads, *OF_INCEPTION, "against", "save_statistics")
    observer = measured_as = "inception"
    columns = (("distance", "FID"),)


class FrechetDistanceOfJudge(FrechetDistance):
    """FD-judge: the Fréchet distance in the mean over places of what a judge's classifier reads."""

    name = "fd_judge"
    about = "Fréchet distance of drawn images from the true ones in a judge's features"
    reads = (*ImageMetric.reads, "judge", "against", "save_statistics")
    observer = measured_as = "judge"
    columns = (("distance", "FD-judge"),)
