"""Metrics: their declarations, measurements and results."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from fullglow_jax.data.faults import Fault
from fullglow_jax.data.images import resize_bilinear
from fullglow_jax.evaluation.summary import Figure, figure
from fullglow_jax.sampling.capabilities import CONDITIONS, Capability

PyTree = Any

if TYPE_CHECKING:
    from fullglow_jax.evaluation.judge import Judge as Judge
    from fullglow_jax.evaluation.truths import Truth as Truth
else:
    Judge = Truth = Any

Measurement = Any
"""The measurement of one pair: JSON values and arrays, for storage and other processes."""

Result = dict[str, Any]
"""The result of a metric, JSON values."""


class Metric(ABC):
    """A property of a model or its images that can be measured.

    Modules of metrics import nothing heavy before they measure, so that --help is fast; they take
    the types of their arguments from here.

    Attributes:
        name: The name, for --metrics and in reports.
        about: A few words about it, for --help.
        reads: Those flags it reads that not every metric reads.
        needs: Capabilities that the model must have.
        observer: The network that it asks (`evaluation/observers.py`); "" for none.
        needs_observer: Whether it cannot be computed without that network.
        higher_is_better: Whether higher values are better.
        digits: Number of digits in reports.
        paper_columns: Those columns that tables have even if no system has a figure there.
    """

    name: ClassVar[str]
    about: ClassVar[str]
    reads: ClassVar[tuple[str, ...]] = ()
    needs: ClassVar[tuple[Capability, ...]] = ()
    observer: ClassVar[str] = ""
    needs_observer: ClassVar[bool] = False
    higher_is_better: ClassVar[bool]
    digits: ClassVar[int] = 4
    paper_columns: ClassVar[tuple[str, ...]] = ()

    @classmethod
    @abstractmethod
    def result_in(cls, report: dict[str, Any]) -> Result | None:
        """Its result in a report; None if there is none."""

    @classmethod
    def value(cls, result: Result) -> float | None:
        """The number of a result by which models are compared."""
        return result["mean"]

    @classmethod
    def figures(cls, result: Result) -> list[Figure]:
        """All figures of a result; of figures with the same column, a table shows the first."""
        return [figure(cls.name, result, cls.digits, column=cls.name)]

    @classmethod
    def setting(cls, result: Result) -> str:
        """What figures depend on that may differ between systems, in words; "" for nothing."""
        del result
        return ""

    @classmethod
    def note(cls, result: Result) -> str:
        """What readers must know of a result, such as how few images it is of; "" for nothing."""
        del result
        return ""

    @classmethod
    def by_class(cls, result: Result) -> dict[str, Result]:
        """Scores `by_class`, with their `confusion`, by `Figure.images`; empty without such."""
        del result
        return {}


class ExampleFigures(NamedTuple):
    """Figures of single examples.

    Attributes:
        score: (variables, batch, keys) → (B,) by name.
        headline: The most important name.
        prefix: A prefix of all names in records of training.
        higher_is_better: Whether higher values are better.
    """

    score: Callable[[PyTree, Any, Any], dict[str, Any]]
    headline: str
    prefix: str = ""
    higher_is_better: bool = False


class ModelMetric(Metric):
    """A metric of the model itself: `score` returns the entries of the report.

    Its arguments are those of `evaluation.bits_per_dim.score_split`.
    """

    score: ClassVar[Callable[..., dict[str, Any]]]

    @classmethod
    @abstractmethod
    def of_examples(cls, model: Any, temperature: float) -> ExampleFigures:
        """The figures that validation in training means over examples."""


class DrawnPair(NamedTuple):
    """A true pair and the images drawn for it.

    Attributes:
        truth: A pair of the data set.
        images: The drawn images, uint8 (h, w, 3), one of each round.
    """

    truth: Truth
    images: list[np.ndarray]

    @property
    def as_drawn(self) -> list[np.ndarray]:
        """The images as they were drawn, all of one size: the true image's, if theirs differ."""
        alike = len({image.shape for image in self.images}) == 1
        return self.images if alike else self.at_size

    @property
    def at_size(self) -> list[np.ndarray]:
        """The images, stretched to the true image's size."""
        size = self.truth.target.shape[:2]
        return [i if i.shape[:2] == size else resize_bilinear(i, size) for i in self.images]


class ImageMetric(Metric):
    """A metric of images: it measures each pair, and computes a result from all measurements.

    Args:
        observer: The network of the metric's `observer`; None if there is none.

    Attributes:
        measured_as: The name of what it measures, which metrics may share; "" for its own name.
        depends: All that measurements depend on except the pair, as values to digest.
        compared: What drawn images are compared with: each with the true "image" or the "label map"
            of its pair, all as a "set" with another; or "" for nothing.
    """

    reads: ClassVar[tuple[str, ...]] = ("images", "rounds", "temperature", "skip_bad")
    needs: ClassVar[tuple[Capability, ...]] = (CONDITIONS,)
    measured_as: ClassVar[str] = ""
    depends: Any = ()
    compared: ClassVar[str] = "image"

    def __init__(self, observer: Any = None) -> None:
        del observer

    @classmethod
    def result_in(cls, report: dict[str, Any]) -> Result | None:
        return report.get("images", {}).get(cls.name)

    def fault(self, truth: Truth) -> Fault | None:
        """The reason why images cannot be compared with a truth, if any."""
        del truth
        return None

    @abstractmethod
    def measure(self, pairs: Sequence[DrawnPair]) -> list[Measurement]:
        """The measurements of some pairs without faults."""

    @abstractmethod
    def result(self, measurements: Sequence[Measurement]) -> Result:
        """The result of all pairs' measurements."""


def measured(
    metrics: Mapping[str, ImageMetric], pairs: Sequence[DrawnPair]
) -> dict[str, list[Measurement]]:
    """The measurements of some pairs by metrics; what several share is measured once.

    Args:
        metrics: The metrics, by name.
        pairs: The pairs.

    Returns:
        Measurements by `kind`.
    """
    found: dict[str, list[Measurement]] = {}
    for metric in metrics.values():
        if kind(metric) not in found:
            # One of several processes may have no share of them.
            found[kind(metric)] = metric.measure(pairs) if pairs else []
    return found


def kind(metric: ImageMetric) -> str:
    """The name of what a metric measures."""
    return metric.measured_as or metric.name


def unit(image: np.ndarray) -> np.ndarray:
    """Pixels, uint8, as float32 in [0, 1]."""
    return image.astype(np.float32) / 255
