"""The eval command: figures of a model, or of images, as JSON and as a table."""

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ml_collections import ConfigDict
from rich.console import Console

from fullglow_jax.data.faults import described
from fullglow_jax.data.pipeline import evaluation_batches
from fullglow_jax.data.source import build_source, verified_source
from fullglow_jax.errors import UserError
from fullglow_jax.evaluation import report as reports
from fullglow_jax.evaluation.bits_per_dim import BitsPerDim, importance_weighted
from fullglow_jax.evaluation.image_metrics import METRICS, ImageMetric, Psp
from fullglow_jax.evaluation.judge import load_judge
from fullglow_jax.evaluation.scored_images import score_images
from fullglow_jax.models import GLOW
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.parallel.distributed import is_first
from fullglow_jax.progress import ProgressLine
from fullglow_jax.sampling.modes.set import whole_set
from fullglow_jax.sampling.operations import Operations
from fullglow_jax.sampling.request import SampleRequest
from fullglow_jax.sampling.session import Session
from fullglow_jax.training.metrics import VALIDATION, read_metrics
from fullglow_jax.training.trained import Trained, load_trained

BPD, PSP = "bpd", "psp"


@dataclass(frozen=True)
class EvaluationRequest:
    """What to score.

    Attributes:
        workdir: Folder of the training run.
        checkpoint: "latest", "best" or a step.
        split: Split to score.
        metrics: "bpd", "psp", and of `image_metrics.METRICS`.
        limit: Only the first so many examples, or all.
        seed: Of the dequantisation noise, and of images that are drawn.
        batch_size: Examples scored at once.
        draws: How often each example is dequantised for "bpd".
        images: Folder of images to score, of whatever system; None to draw them.
        rounds: Images drawn for each condition.
        temperature: Of those.
        judge: What "psp" has photos looked at by; see `load_judge`.
        skip_bad: Leave out pairs whose images are missing or bad.
    """

    workdir: Path
    checkpoint: str
    split: str
    metrics: tuple[str, ...]
    limit: int | None
    seed: int
    batch_size: int
    draws: int
    images: Path | None
    rounds: int
    temperature: float
    judge: Path | None
    skip_bad: bool


def evaluate(config: ConfigDict, request: EvaluationRequest) -> dict[str, Any]:
    """Scores a split, writes `eval.json` and `eval.md`, prints a table and returns the report.

    They go into the workdir, or where the images of `request.images` lie. Images that are drawn
    stay in the workdir; stopped, drawing goes on where it was.

    Raises:
        UserError: Where the checkpoint, the data or an image cannot be read, or metrics, model and
            split do not go together.
    """
    measures = _measures(request, _check(config, request))
    report: dict[str, Any] = {"checkpoint": None, "split": request.split, "seed": request.seed}
    folder = request.images
    if folder is None:
        devices = Devices()
        devices.check_batch_size(request.batch_size, "--batch_size")
        trained = load_trained(config, request.workdir, request.checkpoint, devices)
        report["checkpoint"] = trained.step
        if BPD in request.metrics:
            report |= _bits_per_dim(config, request, trained, devices)
        if measures:
            folder = _draw(config, request, trained, devices)
    if folder is not None:
        report |= _score_images(config, request, folder, measures)
    if is_first():
        place = request.images or request.workdir
        reports.write(report, place / "eval")
        Console().print(reports.table(report))
        print(f"figures: {place / 'eval.json'}, {place / 'eval.md'}")
    return report


def _check(config: ConfigDict, request: EvaluationRequest) -> tuple[str, ...]:
    """The metrics of images that are asked for.

    Raises:
        UserError: A metric is unknown, or means nothing here.
    """
    known = (BPD, PSP, *METRICS)
    for name in request.metrics:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0) or known
            raise UserError(
                f"--metrics {name}: there is no such metric; did you mean {near[0]!r}? There are: "
                f"{', '.join(known)}."
            )
    if request.images is not None and BPD in request.metrics:
        raise UserError(
            "--metrics bpd asks a model, and --images has images alone. Leave one of them out."
        )
    if config.model.name == GLOW and set(request.metrics) - {BPD}:
        raise UserError(
            "this model, a glow, draws no image of a condition, so that there is none to compare "
            "with: --metrics bpd alone."
        )
    if (PSP in request.metrics) != (request.judge is not None):
        raise UserError(
            "--metrics psp and --judge go together: the judge is the workdir of a pspnet, or a "
            "file that fullglow_jax.interop.import_semseg wrote."
        )
    return tuple(name for name in (PSP, *METRICS) if name in request.metrics)


def _bits_per_dim(
    config: ConfigDict, request: EvaluationRequest, trained: Trained, devices: Devices
) -> dict[str, Any]:
    architecture, headline = trained.architecture, trained.model.headline
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
    score, key = BitsPerDim(trained.model, devices), devices.key(request.seed)
    with ProgressLine("bits/dim", total, quiet=not is_first()) as progress:
        bits = score(trained.variables, batches, key, request.draws, told=progress.update)
    found = {
        "examples": total,
        "draws": request.draws,
        "bits_per_dim": {name: summary(values.mean(0)) for name, values in bits.items()},
        "untrained_validation_bits_per_dim": _untrained(request.workdir, headline),
    }
    if request.draws > 1:
        dimensions = architecture.dimensions
        found["importance_weighted_bits_per_dim"] = {
            name: summary(importance_weighted(values, dimensions))
            for name, values in bits.items()
            if "/" not in name
        }
    return found


def _draw(
    config: ConfigDict, request: EvaluationRequest, trained: Trained, devices: Devices
) -> Path:
    """The folder of the split drawn anew, as `sample.py --mode set` does it."""
    sampling = SampleRequest(
        workdir=request.workdir,
        checkpoint=request.checkpoint,
        mode="set",
        split=request.split,
        rounds=request.rounds,
        temperatures=(request.temperature,),
        seed=request.seed,
        batch_size=request.batch_size,
        limit=request.limit,
    )
    operations = Operations(trained, config.model.name, devices, request.batch_size)
    return whole_set(Session(config, sampling, operations))


def _measures(request: EvaluationRequest, metrics: tuple[str, ...]) -> dict[str, ImageMetric]:
    """What images are measured by; a judge that cannot be had is told of before they are drawn."""
    measures = {name: METRICS[name]() for name in metrics if name != PSP}
    return measures if request.judge is None else {PSP: Psp(load_judge(request.judge)), **measures}


def _score_images(
    config: ConfigDict,
    request: EvaluationRequest,
    folder: Path,
    measures: dict[str, ImageMetric],
) -> dict[str, Any]:
    # Not as they were prepared: scores are taken at the original size.
    source = verified_source(config.data, request.split, boundary=False)
    total = min(len(source), request.limit or len(source))
    with ProgressLine("scoring images", total, quiet=not is_first()) as progress:
        scored = score_images(
            folder,
            source,
            tuple(config.data.image_size),
            measures,
            limit=request.limit,
            skip_bad=request.skip_bad,
            told=progress.update,
        )
        if scored.faults:
            progress.say(f"left out, as --skip_bad says:\n{described(scored.faults)}")
    about = {"rounds": scored.rounds, "left_out": list(scored.left_out)}
    if request.images is None:
        about["temperature"] = request.temperature
    return {"examples": scored.examples, "images": {**about, **scored.results}}


def _untrained(workdir: Path, headline: str) -> float | None:
    """Bits/dim that training recorded before its first step, if it did."""
    at_start = (record for record in read_metrics(workdir) if record["step"] == 0)
    return next(at_start, {}).get(f"{VALIDATION}bits_per_dim/{headline}")


def summary(values: np.ndarray) -> dict[str, float | None]:
    """Mean and its standard error over examples; a single example has no error."""
    count = len(values)
    error = float(values.std(ddof=1, dtype=np.float64) / count**0.5) if count > 1 else None
    return {"mean": float(values.mean(dtype=np.float64)), "standard_error": error}
