"""Scores of a folder of images by itself, against another folder or stored statistics."""

from typing import Any

from ml_collections import ConfigDict

from fullglow_jax.errors import UserError
from fullglow_jax.evaluation.against import is_folder_of_images
from fullglow_jax.evaluation.drawn_images import DrawnImages
from fullglow_jax.evaluation.metrics import METRICS
from fullglow_jax.evaluation.metrics.metric import ImageMetric, Metric
from fullglow_jax.evaluation.request import EvaluationRequest
from fullglow_jax.evaluation.scoring import Scoring, check_one_saver
from fullglow_jax.evaluation.truths import Namesakes


def evaluate_folder(request: EvaluationRequest, parallel: ConfigDict) -> dict[str, Any]:
    """Scores a folder of images against another folder or stored statistics, without a model.

    As `evaluate` otherwise. Metrics of sets compare all images with all, others each with that of
    its name.

    Args:
        request: The flags, with `images`.
        parallel: `config.parallel`.

    Raises:
        UserError: If an image cannot be read, reports cannot be written, or there is nothing that a
            metric could compare with.
    """
    assert request.images is not None
    chosen = check_metrics_of_folder(request)
    drawn = DrawnImages(request.images, image_size=None)
    names = drawn.names[: request.limit]
    single = any(metric.compared == "image" for metric in chosen)
    # Without true images each stands in the place of its own, where no such metric looks.
    truths = Namesakes(names, (request.against if single else None) or drawn.rounds[0])
    scoring = Scoring(request, chosen, request.images, parallel)
    report = scoring.report(split=None)
    report["images"] = scoring.images(drawn, truths)
    report["examples"] = report["images"]["examples"]
    scoring.finish(report, samples=None)
    return report


def check_metrics_of_folder(request: EvaluationRequest) -> list[type[ImageMetric]]:
    """The metrics of a request without a model, after a check that they can be computed.

    Raises:
        UserError: If one needs a model or label maps, or what it compares with is missing.
    """
    metrics: list[type[ImageMetric]] = []
    for name in (name for name in METRICS if name in request.metrics):
        metric = METRICS[name]
        if not issubclass(metric, ImageMetric) or metric.compared == "label map":
            needed = "label maps" if issubclass(metric, ImageMetric) else "a model"
            raise UserError(
                f"--metrics {name} needs {needed}, and there is no --workdir. Name a training run "
                "of such data, or choose among "
                f"{', '.join(n for n, m in METRICS.items() if _of_images_alone(m))}."
            )
        if metric.compared and request.against is None:
            raise UserError(
                f"--metrics {name} compares --images with others, and there are none: name a "
                "folder of true images, --against FOLDER, or the run of a model of such data, "
                "--workdir DIR."
            )
        if metric.compared == "image" and not is_folder_of_images(request.against):
            raise UserError(
                f"--metrics {name} compares single images, and --against {request.against} is no "
                "folder of images. Name one, or leave the metric out."
            )
        metrics.append(metric)
    check_one_saver(metrics, request)
    return metrics


def _of_images_alone(metric: type[Metric]) -> bool:
    return issubclass(metric, ImageMetric) and metric.compared != "label map"
