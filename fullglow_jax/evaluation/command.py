"""The eval command: bits per dimension of a split, as JSON and as a table."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ml_collections import ConfigDict
from rich.table import Table

from fullglow_jax.data.pipeline import evaluation_batches
from fullglow_jax.data.source import build_source
from fullglow_jax.errors import UserError
from fullglow_jax.evaluation.bits_per_dim import BitsPerDim
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.parallel.distributed import is_first
from fullglow_jax.progress import ProgressLine
from fullglow_jax.training.metrics import VALIDATION, read_metrics
from fullglow_jax.training.trained import load_trained


@dataclass(frozen=True)
class EvaluationRequest:
    """What to score.

    Attributes:
        workdir: Folder of the training run.
        checkpoint: "latest", "best" or a step.
        split: Split to score.
        limit: Only the first so many examples, or all.
        seed: Of the dequantisation noise.
        batch_size: Examples scored at once.
    """

    workdir: Path
    checkpoint: str
    split: str
    limit: int | None
    seed: int
    batch_size: int


def evaluate(config: ConfigDict, request: EvaluationRequest) -> dict[str, Any]:
    """Scores a split, writes `WORKDIR/eval.json`, prints a table and returns the report.

    Raises:
        UserError: Where the checkpoint or the data cannot be read.
    """
    devices = Devices()
    devices.check_batch_size(request.batch_size, "--batch_size")
    trained = load_trained(config, request.workdir, request.checkpoint, devices)
    architecture = trained.architecture
    source = build_source(config.data, request.split, boundary=architecture.boundary)
    batches = evaluation_batches(
        source,
        batch_size=request.batch_size,
        threads=config.data.threads,
        boundary=architecture.boundary_spec,
        limit=request.limit,
        **devices.share,
    )
    total = min(len(source), request.limit or len(source))
    score, headline = BitsPerDim(trained.model, devices), trained.model.headline
    key = devices.key(request.seed)
    with ProgressLine("evaluating", total, quiet=not is_first()) as progress:
        bits = score(trained.variables, batches, key, told=progress.update)
        report = {
            "checkpoint": trained.step,
            "split": request.split,
            "examples": total,
            "seed": request.seed,
            "bits_per_dim": {name: _summary(values) for name, values in bits.items()},
            "untrained_validation_bits_per_dim": _untrained(request.workdir, headline),
        }
        progress.console.print(_table(report, headline))
        if is_first():
            progress.say(f"figures: {_write(report, request.workdir / 'eval.json')}")
    return report


def _write(report: dict[str, Any], path: Path) -> Path:
    """Writes the report so that there is the old one or the new one, never half of one."""
    scratch = path.with_suffix(".tmp")
    try:
        scratch.write_text(json.dumps(report, indent=2) + "\n")
        scratch.replace(path)
    except OSError as error:
        raise UserError(
            f"{path} cannot be written: {error.strerror or error}. Make its folder writable, or "
            "copy the workdir to where you may write."
        ) from error
    return path


def _untrained(workdir: Path, headline: str) -> float | None:
    """Bits/dim that training recorded before its first step, if it did."""
    at_start = (record for record in read_metrics(workdir) if record["step"] == 0)
    return next(at_start, {}).get(f"{VALIDATION}bits_per_dim/{headline}")


def _summary(values: np.ndarray) -> dict[str, float | None]:
    """Mean and its standard error over examples; a single example has no error."""
    count = len(values)
    error = float(values.std(ddof=1, dtype=np.float64) / count**0.5) if count > 1 else None
    return {"mean": float(values.mean(dtype=np.float64)), "standard_error": error}


def _table(report: dict[str, Any], headline: str) -> Table:
    title = f"{report['examples']} examples of {report['split']}, step {report['checkpoint']}"
    table = Table("bits/dim", "mean", "± standard error", title=title)
    for name, summary in report["bits_per_dim"].items():
        error = summary["standard_error"]
        table.add_row(name, f"{summary['mean']:.4f}", "" if error is None else f"{error:.4f}")
    if (untrained := report["untrained_validation_bits_per_dim"]) is not None:
        table.caption = f"{headline}, before training: {untrained:.4f} on the validation split"
    return table
