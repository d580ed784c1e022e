"""Validation scores of checkpoints, which choose the best."""

from collections.abc import Mapping
from typing import Any, NamedTuple

OLD_KEY = "validation_bits_per_dim"
"""The key of stored scores when all were bits per dimension, lower being better."""

BITS_PER_DIM = "bits_per_dim/"
"""Prefix of the names of bits per dimension."""


class Goal(NamedTuple):
    """A figure of validation by which checkpoints are compared.

    Attributes:
        name: For example "bits_per_dim/conditional" or "ssim".
        higher_is_better: Whether the highest value is the best.
    """

    name: str
    higher_is_better: bool = False

    def told(self, value: float, digits: int) -> str:
        """A value as text, for example "4.113 bits/dim" or "ssim 0.532"."""
        if self.name.startswith(BITS_PER_DIM):
            return f"{value:.{digits}f} bits/dim"
        return f"{self.name} {value:.{digits}f}"


class Score(NamedTuple):
    """A goal's value."""

    value: float
    goal: Goal

    @property
    def rank(self) -> float:
        """A number that is lower for better scores."""
        return -self.value if self.goal.higher_is_better else self.value

    @property
    def stored(self) -> dict[str, Any]:
        """The score as JSON values."""
        return {"value": self.value, **self.goal._asdict()}

    def comparable(self, other: "Score") -> bool:
        """Whether the two can be compared; old scores have no name, and lower was better."""
        here, there = self.goal, other.goal
        same_name = here.name == there.name or not (here.name and there.name)
        return same_name and here.higher_is_better == there.higher_is_better


def read_score(stored: Mapping[str, Any] | None) -> Score | None:
    """The score from today's or the older form in JSON; None if it is not a score."""
    stored = stored or {}
    value = stored.get("value", stored.get(OLD_KEY))
    if not isinstance(value, float):
        return None
    return Score(value, Goal(stored.get("name", ""), stored.get("higher_is_better", False)))


def best(scores: Mapping[int, Score], count: int = 1) -> list[int]:
    """The steps of the best scores, best first, of those that can be compared with the newest one.

    Of equal scores, the newer one is better. There are fewer than `count` if there are fewer
    scores.
    """
    if not scores:
        return []
    newest = scores[max(scores)]
    alike = [step for step, score in scores.items() if score.comparable(newest)]
    return sorted(alike, key=lambda step: (scores[step].rank, -step))[:count]
