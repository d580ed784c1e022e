"""What a run records: metrics.jsonl, TensorBoard, and the curve as a picture."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from fullglow_jax.training.board import Board

TRAIN = "train/"
VALIDATION = "validation/"
CURVE = "curve.png"


class Metrics:
    """Scalars and images of a run, by step.

    One JSON object a line in `WORKDIR/metrics.jsonl`, the same in TensorBoard under
    `WORKDIR/tensorboard`. What an earlier, interrupted run recorded beyond the step that this one
    starts from is dropped, so that every step stands once.

    Attributes:
        workdir: The run's folder.
        writes: Whether this process, of those of a run, is the one that writes.
    """

    def __init__(self, workdir: Path, first_step: int, *, writes: bool = True) -> None:
        self.workdir, self.writes = workdir, writes
        if not writes:
            return
        path = workdir / "metrics.jsonl"
        kept = [r for r in read_metrics(workdir) if r["step"] <= first_step] if first_step else []
        scratch = path.with_suffix(".tmp")
        scratch.write_text("".join(json.dumps(record) + "\n" for record in kept))
        scratch.replace(path)
        self._file = path.open("a", buffering=1)
        self._board = Board(workdir / "tensorboard", first_step + 1)

    def scalars(self, step: int, values: dict[str, float]) -> None:
        """Records values by name, for example "train/bits_per_dim/conditional"."""
        if not self.writes:
            return
        self._file.write(json.dumps({"step": step, **values}) + "\n")
        self._board.scalars(step, values)

    def image(self, step: int, name: str, image: np.ndarray) -> None:
        """Records a picture, uint8 (H, W, 3), in TensorBoard."""
        if self.writes:
            self._board.image(step, name, image)

    def draw_curve(self, kind: str) -> Path:
        """Draws the curve of what is recorded; see `draw_curve`."""
        return draw_curve(self.workdir, kind) if self.writes else self.workdir / CURVE

    def close(self) -> None:
        """Writes out everything."""
        if self.writes:
            self._file.close()
            self._board.close()


def read_metrics(workdir: Path) -> list[dict[str, Any]]:
    """The records of `metrics.jsonl` in order; a last line cut off by a kill is left out."""
    path = workdir / "metrics.jsonl"
    records = []
    for line in path.read_text().splitlines() if path.is_file() else []:
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return records


def draw_curve(workdir: Path, kind: str) -> Path:
    """Draws bits/dim over steps, training and validation, to `WORKDIR/curve.png`.

    Args:
        workdir: The run's folder.
        kind: Which bits/dim: "conditional", say.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    records = read_metrics(workdir)
    for prefix, style in ((TRAIN, {"linewidth": 1}), (VALIDATION, {"marker": "o"})):
        name = f"{prefix}bits_per_dim/{kind}"
        points = [(r["step"], r[name]) for r in records if name in r]
        if points:
            axes.plot(*zip(*points, strict=True), label=prefix.rstrip("/"), **style)
    axes.set(xlabel="step", ylabel=f"{kind} bits/dim")
    axes.grid(alpha=0.3)
    axes.legend()
    path = workdir / CURVE
    figure.savefig(path, dpi=120)
    return path
