"""Means and what they are worth, as JSON has them."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def over_examples(values: Sequence[float | None] | np.ndarray) -> dict[str, float | None]:
    """Mean and its standard error over examples, which a single example has not.

    Both are None where a value is, or is not finite, which JSON has no number for.
    """
    numbers = np.asarray(values)
    if numbers.dtype == object or not np.isfinite(numbers).all():
        return {"mean": None, "standard_error": None}
    count = len(numbers)
    error = float(numbers.std(ddof=1, dtype=np.float64) / count**0.5) if count > 1 else None
    return {"mean": float(numbers.mean(dtype=np.float64)), "standard_error": error}


def over_rounds(values: Sequence[float] | np.ndarray) -> dict[str, Any]:
    """Mean and deviation over rounds, with Bessel's correction, and the rounds themselves.

    All are None where one is not finite, which JSON has no number for.
    """
    rounds = [float(value) for value in values]
    if not np.isfinite(rounds).all():
        return {"mean": None, "deviation": None, "rounds": [None] * len(rounds)}
    deviation = float(np.std(rounds, ddof=1)) if len(rounds) > 1 else None
    return {"mean": float(np.mean(rounds)), "deviation": deviation, "rounds": rounds}
