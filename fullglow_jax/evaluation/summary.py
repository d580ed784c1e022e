"""Means with their errors, as JSON values and as texts."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np


def over_examples(values: Sequence[float | None] | np.ndarray) -> dict[str, float | None]:
    """Mean over examples and its standard error, which needs two examples.

    Both are None if a value is None or not finite.
    """
    numbers = np.asarray(values)
    if numbers.dtype == object or not np.isfinite(numbers).all():
        return {"mean": None, "standard_error": None}
    count = len(numbers)
    error = float(numbers.std(ddof=1, dtype=np.float64) / count**0.5) if count > 1 else None
    return {"mean": float(numbers.mean(dtype=np.float64)), "standard_error": error}


def over_rounds(values: Sequence[float] | np.ndarray) -> dict[str, Any]:
    """Mean and deviation over rounds, with Bessel's correction, and the rounds' values.

    All are None if a value is not finite.
    """
    rounds = [float(value) for value in values]
    if not np.isfinite(rounds).all():
        return {"mean": None, "deviation": None, "rounds": [None] * len(rounds)}
    deviation = float(np.std(rounds, ddof=1)) if len(rounds) > 1 else None
    return {"mean": float(np.mean(rounds)), "deviation": deviation, "rounds": rounds}


NONE = "–"


class Figure(NamedTuple):
    """A number and its error, as texts.

    Attributes:
        name: The figure's name.
        mean: The mean; "–" if there is none.
        error: Its standard error over examples, or its deviation over rounds.
        both: Mean and error, as in papers.
        column: The title of its column in a table of systems; empty if it has none.
        images: The images that it is about, if not the system's, for example "true photos".
    """

    name: str
    mean: str
    error: str
    both: str
    column: str
    images: str


def figure(
    name: str,
    summary: dict[str, Any],
    digits: int,
    factor: float = 1,
    column: str = "",
    images: str = "",
) -> Figure:
    """The figure of a mean with its error, as the functions above return them."""
    error = summary.get("standard_error", summary.get("deviation"))
    mean, error = (
        NONE if v is None else f"{factor * v:.{digits}f}" for v in (summary["mean"], error)
    )
    both = mean if error == NONE else f"{mean} ± {error}"
    return Figure(name, mean, error, both, column, images)
