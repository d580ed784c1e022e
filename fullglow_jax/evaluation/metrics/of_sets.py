"""Metrics of all drawn images together, by a network's features of each."""

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fullglow_jax.data.images import resize_bilinear
from fullglow_jax.evaluation.metrics.metric import DrawnPair, ImageMetric, Measurement, Result
from fullglow_jax.evaluation.summary import Figure, figure, over_rounds

if TYPE_CHECKING:
    from fullglow_jax.evaluation.against import Against
    from fullglow_jax.evaluation.observers import Observer
else:
    Against = Observer = Any

Seen = Mapping[str, np.ndarray]
"""What a network sees in an image: "features", (C,), and what else metrics ask for."""

FEATURES = "features"

OF_INCEPTION = ("inception", "inception_features", "preprocessing")
"""Flags that metrics of Inception's features read."""


class SetMetric(ImageMetric):
    """A score of the drawn images of each round as a set, mostly a distance from the true ones.

    True images are looked at in the size of the drawn ones, to which they are resized: that
    pictures were made smaller is not to count.

    Attributes:
        against: The images that drawn ones are compared with, if not the split's true ones.
        looks_at_true: Whether the network looks at the split's true images.
        columns: The names of the figures in a result, the most important first, and in tables.
        needs_images: Whether statistics are not enough to be compared with.
        least: The smallest number of images of a set.
    """

    needs_observer = True
    compared = "set"
    higher_is_better = False
    against: Against | None = None
    looks_at_true: bool = True
    columns: ClassVar[tuple[tuple[str, str], ...]]
    needs_images: ClassVar[bool] = False
    least: ClassVar[int] = 2

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self.depends = observer.digest

    def measure(self, pairs: Sequence[DrawnPair]) -> list[Measurement]:
        """What the network sees in the true image, if it looks at it, and in each drawn one."""
        true = [_true_photo(pair) for pair in pairs] if self.looks_at_true else []
        drawn = [photo for pair in pairs for photo in pair.images]
        found = self._observer.look([*true, *drawn])
        of_true, of_drawn = found[: len(true)], iter(found[len(true) :])
        measurements = [{"drawn": [next(of_drawn) for _ in pair.images]} for pair in pairs]
        return [
            {"true": of_true[i], **each} if of_true else each for i, each in enumerate(measurements)
        ]

    def result(self, measurements: Sequence[Measurement]) -> Result:
        """Mean and deviation over rounds of each figure, the network, and the numbers of images.

        Figures are None if there are too few images.
        """
        true = self.true(measurements)
        counts = {"images": len(measurements), "true_images": len(true) or None}
        rounds = zip(*(each["drawn"] for each in measurements), strict=True)
        few = self._few(counts)
        scores = [
            dict.fromkeys(dict(self.columns), math.nan) if few else self.of_round(of_round, true)
            for of_round in rounds
        ]
        return {
            "network": self._observer.name,
            "against": None if self.against is None else self.against.name,
            "against_assumed": self.against is not None and self.against.assumed,
            **counts,
            **{name: over_rounds([score[name] for score in scores]) for name in scores[0]},
        }

    def true(self, measurements: Sequence[Measurement]) -> Sequence[Seen]:
        """What is seen in each of the images that drawn ones are compared with, if there are."""
        if self.against is not None:
            return self.against.seen
        return [each["true"] for each in measurements if "true" in each]

    @abstractmethod
    def of_round(self, drawn: Sequence[Seen], true: Sequence[Seen]) -> dict[str, float]:
        """Figures by name of what the network sees in a round's images, and in the true ones."""

    @classmethod
    def title(cls) -> str:
        """The most important figure's name in tables."""
        return cls.columns[0][1]

    @classmethod
    def value(cls, result: Result) -> float | None:
        """The mean of the most important figure."""
        return super().value(result[cls.columns[0][0]])

    @classmethod
    def figures(cls, result: Result) -> list[Figure]:
        return [
            figure(
                f"{column} of {result['images']} images", result[name], cls.digits, column=column
            )
            for name, column in cls.columns
        ]

    @classmethod
    def setting(cls, result: Result) -> str:
        against = result["against"]
        return result["network"] + (f", against {against}" if against else "")

    @classmethod
    def note(cls, result: Result) -> str:
        return "; ".join(filter(None, (cls._few(result) or cls.caution(result), _against(result))))

    @classmethod
    def caution(cls, result: Result) -> str:
        """What readers must know of a figure of so many images; "" for nothing."""
        del result
        return ""

    @classmethod
    def _few(cls, counts: Mapping[str, Any]) -> str:
        """What is said if there are too few images; "" if there are enough."""
        least = min(counts[of] for of in ("images", "true_images") if counts[of] is not None)
        if least >= cls.least:
            return ""
        return f"{cls.title()} takes {cls.least} images or more, not {least}"


def features_of(seen: Sequence[Seen]) -> np.ndarray:
    """The features of each image, (N, C)."""
    return np.stack([each[FEATURES] for each in seen])


def _against(result: Result) -> str:
    """What is said of statistics whose file does not tell the network."""
    if not result.get("against_assumed"):
        return ""
    return (
        f"{result['against']} does not say of which network its statistics are: their number is "
        f"that of {result['network']}"
    )


def _true_photo(pair: DrawnPair) -> np.ndarray:
    target, size = pair.truth.target, pair.images[0].shape[:2]
    return target if target.shape[:2] == size else resize_bilinear(target, size)
