"""The eval command: figures of a model, or of images, as JSON, tables, pictures and a page."""

import dataclasses
import difflib
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from fullglow_jax.config import to_json
from fullglow_jax.data.faults import described
from fullglow_jax.data.pipeline import evaluation_batches
from fullglow_jax.data.source import build_source, verified_source
from fullglow_jax.errors import UserError
from fullglow_jax.evaluation.bits_per_dim import Bits, BitsPerDim, importance_weighted
from fullglow_jax.evaluation.class_metrics import PhotoToLabel, Psp
from fullglow_jax.evaluation.drawn_images import DrawnImages
from fullglow_jax.evaluation.image_metrics import Diversity, ImageMetric, psnr, ssim
from fullglow_jax.evaluation.judge import Judge, load_judge
from fullglow_jax.evaluation.report.figures import title
from fullglow_jax.evaluation.report.files import show, write_report
from fullglow_jax.evaluation.report.samples import samples_picture
from fullglow_jax.evaluation.report.systems import figures_table
from fullglow_jax.evaluation.scored_images import score_images
from fullglow_jax.evaluation.summary import over_examples
from fullglow_jax.evaluation.truths import Truths
from fullglow_jax.evaluation.unfinished import Unfinished, digest
from fullglow_jax.models import GLOW
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.parallel.distributed import gathered, is_first, meet, own_share
from fullglow_jax.progress import ProgressLine
from fullglow_jax.sampling.modes.set import whole_set
from fullglow_jax.sampling.operations import Operations
from fullglow_jax.sampling.request import SampleRequest
from fullglow_jax.sampling.session import Session
from fullglow_jax.training.metrics import VALIDATION, read_metrics
from fullglow_jax.training.trained import Trained, load_trained

BPD = "bpd"

METRICS: dict[str, Callable[[Any], ImageMetric]] = {
    "psp": Psp,
    "ssim": lambda judge: ssim(),
    "psnr": lambda judge: psnr(),
    "photo2label": lambda judge: PhotoToLabel(),
    "diversity": Diversity,
}
"""Those of images, each made with the judge, or with None where none is named."""


@dataclasses.dataclass(frozen=True)
class EvaluationRequest:
    """What to score.

    Attributes:
        workdir: Folder of the training run.
        checkpoint: "latest", "best" or a step.
        split: Split to score.
        metrics: "bpd", and of `METRICS`.
        limit: Only the first so many examples, or all.
        seed: Of the dequantisation noise, and of images that are drawn.
        batch_size: Examples scored at once.
        draws: How often each example is dequantised for "bpd".
        images: Folder of images to score, of whatever system; None to draw them.
        rounds: Images drawn for each condition.
        temperature: Of those.
        judge: What "psp" and "diversity" have photos looked at by; see `load_judge`.
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
    """Scores a split, writes reports (see `report.files`), prints a table and returns the report.

    They go into the workdir, or where the images of `request.images` lie. Stopped, the same call
    goes on where it was, and ends in the same report; images that were drawn stay in the workdir.

    Raises:
        UserError: Where the checkpoint, the data or an image cannot be read, or metrics, model and
            split do not go together.
    """
    _check(config, request)
    judge = None if request.judge is None else load_judge(request.judge)
    measures = _measures(request.metrics, judge)
    place = request.images or request.workdir
    report: dict[str, Any] = {
        "name": place.resolve().name,
        "checkpoint": None,
        "split": request.split,
        "seed": request.seed,
    }
    unfinished = Unfinished(place, f"eval_{_identity(request)}")
    folder, samples = request.images, None
    if folder is None:
        devices = Devices()
        devices.check_batch_size(request.batch_size, "--batch_size")
        trained = load_trained(config, request.workdir, request.checkpoint, devices)
        report["checkpoint"] = trained.step
        if BPD in request.metrics:
            report |= _bits_per_dim(config, request, trained, devices, unfinished)
        if measures:
            folder = _draw(config, request, trained, devices)
            meet("drawn")
    if folder is not None:
        # Not as they were prepared: scores are taken at the original size.
        source = verified_source(config.data, request.split, boundary=False)
        truths = Truths(source, request.limit)
        # Of those that were drawn, as many as are asked for: more may lie there.
        rounds = None if request.images else request.rounds
        drawn = DrawnImages(folder, tuple(config.data.image_size), rounds)
        report["images"] = _score_images(request, drawn, truths, measures, unfinished)
        report.setdefault("examples", report["images"]["examples"])
        samples = samples_picture(drawn, truths, judge) if is_first() else None
    unfinished.close()
    meet("scored")
    if is_first():
        files = write_report(report, place, samples)
        unfinished.forget()
        show(figures_table(report), title(report))
        print("figures: " + ", ".join(map(str, files)))
    return report


def _check(config: ConfigDict, request: EvaluationRequest) -> None:
    """Returns where what is asked for can be done.

    Raises:
        UserError: A metric is unknown, or means nothing here.
    """
    known = (BPD, *METRICS)
    for name in request.metrics or ("",):
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
    if "psp" in request.metrics and request.judge is None:
        raise UserError(
            "--metrics psp asks what a judge finds in photos; name one: --judge takes the workdir "
            "of a pspnet, or a file that fullglow_jax.interop.import_semseg wrote."
        )
    if request.judge is not None and not {"psp", "diversity"}.intersection(request.metrics):
        raise UserError("--judge is asked by --metrics psp or diversity; add one of them.")


def _bits_per_dim(
    config: ConfigDict,
    request: EvaluationRequest,
    trained: Trained,
    devices: Devices,
    unfinished: Unfinished,
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
    how = (json.dumps(to_json(config.model)), request.seed, request.draws)
    model = digest(jax.device_get(trained.variables), how)

    def remembered(batch: Any, place: int, compute: Callable[[], Bits]) -> Bits:
        # All processes take part in computing, or none: the first decides.
        images = (batch["condition"], batch["target"], batch["boundary"])
        of_batch = digest(model, place, *gathered(digest(images, batch["valid"])))
        found = gathered(unfinished.get(of_batch))[0]
        if found is None:
            found = {name: values.tolist() for name, values in compute().items()}
            unfinished.add(of_batch, found)
        return {name: np.array(values, np.float32) for name, values in found.items()}

    with ProgressLine("bits/dim", total, quiet=not is_first()) as progress:
        bits = score(trained.variables, batches, key, request.draws, progress.update, remembered)
    of_examples = bits[headline].mean(0).tolist()
    found = {
        "examples": total,
        "draws": request.draws,
        "headline": headline,
        "bits_per_dim": {name: over_examples(values.mean(0)) for name, values in bits.items()},
        "bits_per_dim_of_examples": [
            bits_of if math.isfinite(bits_of) else None for bits_of in of_examples
        ],
        "untrained_validation_bits_per_dim": _untrained(request.workdir, headline),
    }
    if request.draws > 1:
        dimensions = architecture.dimensions
        found["importance_weighted_bits_per_dim"] = {
            name: over_examples(importance_weighted(values, dimensions))
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


def _identity(request: EvaluationRequest) -> str:
    """What tells this evaluation from others in the same folder, however it is gone on with."""
    asked = dataclasses.asdict(request)
    for how in ("batch_size", "skip_bad"):
        del asked[how]
    return digest({name: str(value) for name, value in asked.items()})[:8]


def _measures(metrics: Sequence[str], judge: Judge | None) -> dict[str, ImageMetric]:
    """What images are measured by, in the order of `METRICS`."""
    return {name: make(judge) for name, make in METRICS.items() if name in metrics}


def _score_images(
    request: EvaluationRequest,
    drawn: DrawnImages,
    truths: Truths,
    measures: dict[str, ImageMetric],
    unfinished: Unfinished,
) -> dict[str, Any]:
    share = own_share(len(truths))
    with ProgressLine("scoring images", len(share), quiet=not is_first()) as progress:
        scored = score_images(
            drawn,
            truths,
            measures,
            unfinished,
            skip_bad=request.skip_bad,
            at_once=request.batch_size,
            told=progress.update,
        )
        if scored.faults:
            progress.say(f"left out, as --skip_bad says:\n{described(scored.faults)}")
    about = {
        "examples": scored.examples,
        "rounds": scored.rounds,
        "left_out": list(scored.left_out),
    }
    if request.images is None:
        about["temperature"] = request.temperature
    return {**about, **scored.results}


def _untrained(workdir: Path, headline: str) -> float | None:
    """Bits/dim that training recorded before its first step, if it did."""
    at_start = (record for record in read_metrics(workdir) if record["step"] == 0)
    return next(at_start, {}).get(f"{VALIDATION}bits_per_dim/{headline}")
