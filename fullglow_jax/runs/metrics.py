"""Metrics of a run: metrics.jsonl, TensorBoard, and a picture of the curve."""

from pathlib import Path
from typing import Any

import numpy as np

from fullglow_jax.files.drafts import draft
from fullglow_jax.runs.records import Records, read_records
from fullglow_jax.runs.score import BITS_PER_DIM

TRAIN = "train/"
VALIDATION = "validation/"
CURVE = "curve.png"
FILE = "metrics.jsonl"
RENAMED = ("bits_per_dim/label", "cross_entropy")
"""The name of a pspnet's scores in old workdirs, and today's."""


class Metrics:
    """Scalars and images of a run, by step.

    They are JSON objects, one per line, in `WORKDIR/metrics.jsonl`, and TensorBoard's events in
    `WORKDIR/tensorboard`. Values that are not finite are null in the first, absent in the second.
    Records of an earlier, interrupted run after this run's first step are dropped.
    Only one process of a run writes.
    """

    def __init__(self, workdir: Path, first_step: int, *, writes: bool = True) -> None:
        self.workdir, self.writes = workdir, writes
        if not writes:
            return
        self._records = Records(workdir / FILE, first_step)
        # Only where something is written: tensorboardX imports PyTorch, if it is installed.
        from fullglow_jax.runs.board import Board

        self._board = Board(workdir / "tensorboard", first_step + 1)

    def scalars(self, step: int, values: dict[str, float]) -> None:
        """Records values by name, for example "train/bits_per_dim/conditional"."""
        if not self.writes:
            return
        self._records.add({"step": step, **values})
        self._board.scalars(step, values)

    def image(self, step: int, name: str, image: np.ndarray) -> None:
        """Records a picture, uint8 (H, W, 3), in TensorBoard."""
        if self.writes:
            self._board.image(step, name, image)

    def draw_curve(self, name: str) -> Path:
        """Draws the curve of all records; see `draw_curve`."""
        return draw_curve(self.workdir, name) if self.writes else self.workdir / CURVE

    def close(self) -> None:
        """Closes all files."""
        if self.writes:
            self._records.close()
            self._board.close()


def read_metrics(workdir: Path) -> list[dict[str, Any]]:
    """The records of `metrics.jsonl` in order, by today's names; None for values not finite."""
    return [
        {name.replace(*RENAMED): value for name, value in record.items()}
        for record in read_records(workdir / FILE)
    ]


def draw_curve(workdir: Path, name: str) -> Path:
    """Draws a figure, such as "bits_per_dim/conditional", over steps to `WORKDIR/curve.png`.

    It is that of training and that of validation.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4))
    # Margins that are laid out anew for each picture take most of its time.
    axes = figure.subplots(gridspec_kw={"left": 0.1, "right": 0.98, "bottom": 0.12, "top": 0.97})
    records = read_metrics(workdir)
    for prefix, style in ((TRAIN, {"linewidth": 1}), (VALIDATION, {"marker": "o"})):
        with_it = [r for r in records if prefix + name in r]
        steps = [r["step"] for r in with_it]
        # Values that are not numbers leave gaps.
        values = np.array([r[prefix + name] for r in with_it], float)
        if steps:
            axes.plot(steps, values, label=prefix.rstrip("/"), **style)
    kind = name.removeprefix(BITS_PER_DIM)
    axes.set(xlabel="step", ylabel=name if kind == name else f"{kind} bits/dim")
    axes.grid(alpha=0.3)
    if axes.lines:
        axes.legend()
    path = workdir / CURVE
    with draft(path) as scratch:
        figure.savefig(scratch, dpi=120, format="png")
    return path
