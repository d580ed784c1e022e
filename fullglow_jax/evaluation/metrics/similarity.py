"""Metrics that are means of a function of two images."""

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from fullglow_jax.evaluation.metrics.metric import (
    DrawnPair,
    ImageMetric,
    Measurement,
    Result,
    unit,
)
from fullglow_jax.evaluation.summary import over_rounds


class Similarity(ImageMetric):
    """Similarity of drawn images and the true one, at its size (as in Full-Glow's code)."""

    reads = (*ImageMetric.reads, "against")

    @staticmethod
    @abstractmethod
    def similarity(x: Any, y: Any) -> Any:
        """A scalar for two images, float (H, W, 3) in [0, 1]; JAX must be able to compile it."""

    @cached_property
    def _compiled(self) -> Any:
        import jax

        return jax.jit(self.similarity)

    def measure(self, pairs: Sequence[DrawnPair]) -> list[Measurement]:
        """Each round's."""
        return [
            [float(self._compiled(unit(pair.truth.target), unit(i))) for i in pair.at_size]
            for pair in pairs
        ]

    def result(self, measurements: Sequence[Measurement]) -> Result:
        """Mean and deviation over rounds."""
        return over_rounds(np.array(measurements, np.float64).mean(axis=0))
