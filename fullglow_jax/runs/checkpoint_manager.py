"""Orbax's manager of checkpoints, and its choice of those to keep."""

import math
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import orbax.checkpoint as ocp
from orbax.checkpoint.checkpoint_managers import (
    AnyPreservationPolicy,
    LatestN,
    PreservationPolicy,
)

from fullglow_jax.runs.score import best, read_score

ITEMS = ("variables", "optimizer", "average", "critic", "data", "config", "code", "checksums")


class Manager(ocp.CheckpointManager):
    """Orbax's manager, which also opens folders with a damaged score."""

    def metrics(self, step: int) -> dict[str, Any] | None:
        """A checkpoint's score as stored; None if it has none that can be read and compared."""
        with suppress(ValueError):
            stored = super().metrics(step)
            score = read_score(stored)
            if stored and score and math.isfinite(score.value):
                return dict(stored)
        return None


class _Best(PreservationPolicy):
    """Keeps the best few of the validated checkpoints."""

    def __init__(self, count: int) -> None:
        self._count = count

    def should_preserve(self, checkpoints: Sequence[Any], *, context: Any) -> Sequence[bool]:
        scores = {info.step: read_score(info.metrics) for info in checkpoints}
        kept = best({step: score for step, score in scores.items() if score}, self._count)
        return [info.step in kept for info in checkpoints]


def open_manager(folder: Path, keep_last: int, keep_best: int, *, read_only: bool) -> Manager:
    """The manager of a folder, which keeps the last few checkpoints and the best few."""
    options = ocp.CheckpointManagerOptions(
        # The policies decide what is kept; best_fn is here because Orbax needs it to write scores.
        best_fn=_rank,
        best_mode="min",
        preservation_policy=AnyPreservationPolicy([LatestN(n=keep_last), _Best(keep_best)]),
        read_only=read_only,
        create=False,
    )
    return Manager(folder, options=options, item_names=ITEMS)


def _rank(metrics: dict[str, Any]) -> float:
    score = read_score(metrics)
    return math.inf if score is None else score.rank
