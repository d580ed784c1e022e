"""Rows of differences between our values and recorded ones."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np


class Row(NamedTuple):
    """One line of the table; `tolerance` bounds `absolute` or `relative`, as `bounds` says."""

    quantity: str
    absolute: float
    relative: float
    bounds: str
    tolerance: float

    @property
    def ok(self) -> bool:
        """Whether the bounded difference is within the tolerance; NaN is not."""
        return bool(getattr(self, self.bounds) <= self.tolerance)


def compare(quantity: str, ours: Any, recorded: Any, bounds: str, tolerance: float) -> Row:
    """The largest absolute difference, and the difference relative to the recorded norm."""
    ours, recorded = np.asarray(ours, np.float64), np.asarray(recorded, np.float64)
    difference = ours.reshape(recorded.shape) - recorded
    norm = np.linalg.norm(recorded)
    relative = np.linalg.norm(difference) / norm if norm else np.linalg.norm(difference)
    return Row(quantity, float(np.abs(difference).max()), float(relative), bounds, tolerance)


def worst(quantity: str, rows: Sequence[Row]) -> Row:
    """The row furthest out of its tolerance, under a name with the number of rows."""
    row = max(rows, key=lambda r: (not r.ok, getattr(r, r.bounds)))
    return row._replace(quantity=f"{quantity} ({len(rows)}, worst {row.quantity})")


def compare_values(quantity: str, ours: Any, recorded: Any, tolerance: float) -> Row:
    """The largest absolute difference, and the same relative to the largest recorded value."""
    ours, recorded = np.asarray(ours, np.float64), np.asarray(recorded, np.float64)
    absolute = float(np.abs(ours.reshape(recorded.shape) - recorded).max())
    largest = float(np.abs(recorded).max())
    return Row(
        quantity, absolute, absolute / largest if largest else absolute, "relative", tolerance
    )
