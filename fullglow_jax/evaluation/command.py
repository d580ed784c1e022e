"""The eval command: figures of a model, or of images, as JSON, tables, pictures and a page."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optax
from ml_collections import ConfigDict

from fullglow_jax.data.faults import described
from fullglow_jax.data.source import checked_source
from fullglow_jax.digests import digest
from fullglow_jax.errors import UserError
from fullglow_jax.evaluation.against import compare_with
from fullglow_jax.evaluation.drawn_images import DrawnImages
from fullglow_jax.evaluation.metrics import METRICS
from fullglow_jax.evaluation.metrics.frechet import FrechetDistance
from fullglow_jax.evaluation.metrics.metric import ImageMetric, Metric, ModelMetric
from fullglow_jax.evaluation.metrics.of_sets import SetMetric
from fullglow_jax.evaluation.observers import Asked, load_observers
from fullglow_jax.evaluation.of_features.stored_statistics import save_statistics
from fullglow_jax.evaluation.report.figures import notes, title
from fullglow_jax.evaluation.report.files import write_report
from fullglow_jax.evaluation.report.samples import samples_picture
from fullglow_jax.evaluation.report.systems import figures_table
from fullglow_jax.evaluation.request import EvaluationRequest
from fullglow_jax.evaluation.scored_images import score_images
from fullglow_jax.evaluation.truths import Truths
from fullglow_jax.evaluation.unfinished import Unfinished
from fullglow_jax.files.folders import check_writable, make_writable
from fullglow_jax.model_registry import build_model
from fullglow_jax.models.interface import Model
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.parallel.distributed import is_first, meet, own_share
from fullglow_jax.pictures.table import show
from fullglow_jax.progress import ProgressLine
from fullglow_jax.runs.code_version import code_version
from fullglow_jax.runs.trained import Trained, load_trained
from fullglow_jax.sampling.capabilities import lacking
from fullglow_jax.sampling.file_names import readable
from fullglow_jax.sampling.modes.set import split_set
from fullglow_jax.sampling.operations import Operations
from fullglow_jax.sampling.request import SampleRequest
from fullglow_jax.sampling.session import Session
from fullglow_jax.sampling.whole_set import whole_set


def evaluate(config: ConfigDict, request: EvaluationRequest) -> dict[str, Any]:
    """Scores a split, writes reports (see `report.files`), prints a table and returns the report.

    Reports go into the workdir, or into the folder `request.images`. If it is stopped, the same
    call goes on and ends in the same report; drawn images stay in the workdir.

    Raises:
        UserError: If the checkpoint, the data or an image cannot be read, the reports cannot be
            written, or metrics, model and split do not fit together.
    """
    model = build_model(config, optax.constant_schedule(0.0))
    chosen = check_metrics(model, config.model.name, request)
    observers = load_observers(chosen, Asked.of(request), config.parallel)
    image_metrics = {
        m.name: m(observers.get(m.observer)) for m in chosen if issubclass(m, ImageMetric)
    }
    of_sets = [m for m in image_metrics.values() if isinstance(m, SetMetric)]
    if request.against is not None:
        compare_with(request.against, of_sets, observers)
    place = request.images or request.workdir
    # Before the long computation. A packaged model's workdir may not be there yet.
    if request.images is None:
        make_writable(place, "--workdir")
    elif place.is_dir():
        check_writable(place, "--images")
    if request.save_statistics:
        make_writable(request.save_statistics.parent, "--save_statistics")
    report: dict[str, Any] = {
        "name": readable(place.resolve().name),
        "checkpoint": None,
        "split": request.split,
        "seed": request.seed,
    }
    unfinished = Unfinished(place, f"eval_{identity(request)}")
    folder, samples = request.images, None
    if folder is None:
        devices = Devices(config.parallel)
        devices.check_batch_size(request.batch_size, "--batch_size")
        trained = load_trained(config, request.workdir, request.checkpoint, devices)
        report["checkpoint"] = trained.step
        for metric in chosen:
            if issubclass(metric, ModelMetric):
                report |= metric.score(config, request, trained, devices, unfinished)
        if image_metrics:
            folder = _draw(config, request, trained, devices)
            meet("drawn")
    if folder is not None:
        # Not the prepared pairs: scores are taken at the original size.
        source = checked_source(config.data, request.split)
        truths = Truths(source, request.limit)
        # Of drawn images, only the requested rounds: there may be more.
        rounds = None if request.images else request.rounds
        drawn = DrawnImages(folder, tuple(config.data.image_size), rounds)
        report["images"] = _score_images(request, drawn, truths, image_metrics, unfinished)
        report.setdefault("examples", report["images"]["examples"])
        samples = samples_picture(drawn, truths, observers.get("judge")) if is_first() else None
    unfinished.close()
    meet("scored")
    if is_first():
        files = write_report(report, place, samples)
        for of_set in of_sets:
            if request.save_statistics and isinstance(of_set, FrechetDistance):
                save_statistics(request.save_statistics, of_set.reference)
        unfinished.forget()
        show(figures_table(report), title(report))
        for note in notes(report):
            print(f"note: {note}")
        print("figures: " + ", ".join(map(str, files)))
    return report


def check_metrics(model: Model, name: str, request: EvaluationRequest) -> list[type[Metric]]:
    """The metrics of a request, after a check that they can be computed of a model.

    Args:
        model: The model.
        name: Its name in the config.
        request: The flags.

    Raises:
        UserError: If the model lacks a capability of a metric, or a flag is missing.
    """
    metrics = [metric for each, metric in METRICS.items() if each in request.metrics]
    for metric in metrics:
        if request.images is not None and issubclass(metric, ModelMetric):
            raise UserError(
                f"--metrics {metric.name} asks a model, and --images has images alone. Leave one "
                "of them out."
            )
        if reasons := lacking(model, metric.needs):
            able = [n for n, other in METRICS.items() if not lacking(model, other.needs)]
            raise UserError(
                f"--metrics {metric.name}: this model, a {name}, {reasons[0]}. It can be scored "
                f"by --metrics {' or '.join(able)} alone."
            )
    savers = [metric.name for metric in metrics if "save_statistics" in metric.reads]
    if request.save_statistics and len(savers) > 1:
        raise UserError(
            f"--save_statistics {request.save_statistics} is one file, and {' and '.join(savers)} "
            "have statistics of different features. Choose one of them."
        )
    return metrics


def identity(request: EvaluationRequest) -> str:
    """A digest that is different for other evaluations in the same folder.

    It includes the code's version, because another version may compute other figures.
    """
    asked = dataclasses.asdict(request)
    for how in ("batch_size", "skip_bad", "against", "save_statistics"):
        del asked[how]
    return digest({name: str(value) for name, value in asked.items()}, code_version())[:8]


def _draw(
    config: ConfigDict, request: EvaluationRequest, trained: Trained, devices: Devices
) -> Path:
    """Draws the split as sample.py does, and returns the folder."""
    sampling = SampleRequest(
        workdir=request.workdir,
        checkpoint=request.checkpoint,
        mode=split_set.name,
        split=request.split,
        rounds=request.rounds,
        temperature=(request.temperature,),
        seed=request.seed,
        batch_size=request.batch_size,
        limit=request.limit,
    )
    operations = Operations(trained, config.model.name, devices, request.batch_size)
    return whole_set(Session(config, sampling, operations))


def _score_images(
    request: EvaluationRequest,
    drawn: DrawnImages,
    truths: Truths,
    metrics: Mapping[str, ImageMetric],
    unfinished: Unfinished,
) -> dict[str, Any]:
    share = own_share(len(truths))
    with ProgressLine("scoring images", len(share), quiet=not is_first()) as progress:
        scored = score_images(
            drawn,
            truths,
            metrics,
            unfinished,
            skip_bad=request.skip_bad,
            at_once=request.batch_size,
            told=progress.update,
        )
        if scored.faults:
            progress.say(f"left out, as --skip_bad says:\n{described(scored.faults)}")
    about = scored._asdict()
    del about["faults"]
    results = about.pop("results")
    if request.images is None:
        about["temperature"] = request.temperature
    return about | results
