"""The eval command: figures of a model, or of images, as JSON, tables, pictures and a page."""

from pathlib import Path
from typing import Any

import optax
from ml_collections import ConfigDict

from fullglow_jax.data.source import checked_source
from fullglow_jax.errors import UserError, with_article
from fullglow_jax.evaluation.drawn_images import DrawnImages
from fullglow_jax.evaluation.metrics import METRICS
from fullglow_jax.evaluation.metrics.metric import Metric, ModelMetric
from fullglow_jax.evaluation.metrics.of_sets import SetMetric
from fullglow_jax.evaluation.report.samples import samples_picture
from fullglow_jax.evaluation.request import EvaluationRequest
from fullglow_jax.evaluation.scoring import Scoring, check_one_saver
from fullglow_jax.evaluation.truths import Truths
from fullglow_jax.model_registry import build_model
from fullglow_jax.models.interface import Model
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.parallel.distributed import is_first, meet
from fullglow_jax.runs.trained import Trained, load_trained
from fullglow_jax.sampling.capabilities import lacking
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
    place = request.images or request.run
    scoring = Scoring(request, chosen, place, config.parallel)
    observers, image_metrics = scoring.observers, scoring.image_metrics
    report, unfinished = scoring.report(request.split), scoring.unfinished
    folder, samples = request.images, None
    if folder is None:
        devices = Devices(config.parallel)
        devices.check_batch_size(request.batch_size, "--batch_size")
        trained = load_trained(config, request.run, request.checkpoint, devices)
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
        report["images"] = scoring.images(drawn, truths)
        if request.images is None:
            report["images"]["temperature"] = request.temperature_of(config)
            if request.rounds > 1 and (reason := model.shapes.without_noise):
                report["images"]["without_noise"] = reason
        report.setdefault("examples", report["images"]["examples"])
        samples = samples_picture(drawn, truths, observers.get("judge")) if is_first() else None
    scoring.finish(report, samples)
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
                f"--metrics {metric.name}: this model, {with_article(name)}, {reasons[0]}. It "
                "can be scored "
                f"by --metrics {' or '.join(able)} alone."
            )
    of_sets = [m for m in metrics if issubclass(m, SetMetric) and "against" in m.reads]
    if request.against is not None and not of_sets:
        raise UserError(
            f"--against {request.against}: --metrics {','.join(m.name for m in metrics)} compares "
            "each image with its pair's true one. Leave it out; or, to compare two folders, leave "
            "out --workdir."
        )
    check_one_saver(metrics, request)
    return metrics


def _draw(
    config: ConfigDict, request: EvaluationRequest, trained: Trained, devices: Devices
) -> Path:
    """Draws the split as sample.py does, and returns the folder."""
    sampling = SampleRequest(
        workdir=request.run,
        checkpoint=request.checkpoint,
        mode=split_set.name,
        split=request.split,
        rounds=request.rounds,
        temperature=(request.temperature_of(config),),
        seed=request.seed,
        batch_size=request.batch_size,
        limit=request.limit,
    )
    operations = Operations(trained, config.model.name, devices, request.batch_size)
    return whole_set(Session(config, sampling, operations))
