"""Scores of images, from the flags to the reports, whoever drew them."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from fullglow_jax.data.faults import described
from fullglow_jax.digests import digest
from fullglow_jax.errors import UserError
from fullglow_jax.evaluation.against import compare_with
from fullglow_jax.evaluation.drawn_images import DrawnImages
from fullglow_jax.evaluation.metrics.frechet import FrechetDistance
from fullglow_jax.evaluation.metrics.metric import ImageMetric, Metric
from fullglow_jax.evaluation.metrics.of_sets import SetMetric
from fullglow_jax.evaluation.observers import Asked, load_observers
from fullglow_jax.evaluation.of_features.stored_statistics import save_statistics
from fullglow_jax.evaluation.report.figures import notes, title
from fullglow_jax.evaluation.report.files import write_report
from fullglow_jax.evaluation.report.systems import figures_table
from fullglow_jax.evaluation.request import EvaluationRequest
from fullglow_jax.evaluation.scored_images import score_images
from fullglow_jax.evaluation.truths import TrueImages
from fullglow_jax.evaluation.unfinished import Unfinished
from fullglow_jax.files.folders import check_writable, make_writable
from fullglow_jax.parallel.distributed import is_first, meet, own_share
from fullglow_jax.pictures.table import show
from fullglow_jax.progress import ProgressLine
from fullglow_jax.runs.code_version import code_version
from fullglow_jax.sampling.file_names import readable


class Scoring:
    """What scores of a model and scores of a folder share: from the flags to the reports.

    Args:
        request: The flags.
        chosen: The metrics.
        place: The folder of the reports.
        parallel: `config.parallel`.

    Attributes:
        observers: The networks that metrics ask, by name.
        image_metrics: Metrics of images, by name.
        unfinished: Findings, in case this is stopped.

    Raises:
        UserError: If a network or what is compared with cannot be read, or a folder cannot be
            written to.
    """

    def __init__(
        self,
        request: EvaluationRequest,
        chosen: Sequence[type[Metric]],
        place: Path,
        parallel: ConfigDict,
    ) -> None:
        self._request, self._place = request, place
        self.observers = load_observers(chosen, Asked.of(request), parallel)
        self.image_metrics = {
            m.name: m(self.observers.get(m.observer)) for m in chosen if issubclass(m, ImageMetric)
        }
        # Before the long computation. A packaged model's workdir may not be there yet.
        if request.images is None:
            make_writable(place, "--workdir")
        elif place.is_dir():
            check_writable(place, "--images")
        if request.save_statistics:
            make_writable(request.save_statistics.parent, "--save_statistics")
        self.unfinished = Unfinished(place, f"eval_{identity(request)}")
        self._of_sets = [m for m in self.image_metrics.values() if isinstance(m, SetMetric)]
        if request.against is not None:
            compare_with(request.against, self._of_sets, self.observers, self.unfinished)
        elif request.workdir is None:
            for metric in self._of_sets:
                metric.looks_at_true = False

    def report(self, split: str | None) -> dict[str, Any]:
        """The beginning of the report."""
        return {
            "name": readable(self._place.resolve().name),
            "checkpoint": None,
            "split": split,
            "seed": self._request.seed,
        }

    def images(self, drawn: DrawnImages, truths: TrueImages) -> dict[str, Any]:
        """What metrics of images find."""
        share = own_share(len(truths))
        with ProgressLine("scoring images", len(share), quiet=not is_first()) as progress:
            scored = score_images(
                drawn,
                truths,
                self.image_metrics,
                self.unfinished,
                skip_bad=self._request.skip_bad,
                at_once=self._request.batch_size,
                told=progress.update,
            )
            if scored.faults:
                progress.say(f"left out, as --skip_bad says:\n{described(scored.faults)}")
        about = scored._asdict()
        results, _ = about.pop("results"), about.pop("faults")
        return about | results

    def finish(self, report: dict[str, Any], samples: bytes | None) -> None:
        """Writes the reports and statistics, and prints the figures; `samples` is a PNG."""
        request = self._request
        self.unfinished.close()
        meet("scored")
        if not is_first():
            return
        files = write_report(report, self._place, samples)
        for of_set in self._of_sets:
            if request.save_statistics and isinstance(of_set, FrechetDistance):
                save_statistics(request.save_statistics, of_set.reference, *of_set.network)
        self.unfinished.forget()
        show(figures_table(report), title(report))
        for note in notes(report):
            print(f"note: {note}")
        print("figures: " + ", ".join(map(str, files)))


def check_one_saver(metrics: Sequence[type[Metric]], request: EvaluationRequest) -> None:
    """Checks that --save_statistics names a file for one metric alone.

    Raises:
        UserError: If several of these have statistics.
    """
    savers = [metric.name for metric in metrics if "save_statistics" in metric.reads]
    if request.save_statistics and len(savers) > 1:
        raise UserError(
            f"--save_statistics {request.save_statistics} is one file, and {' and '.join(savers)} "
            "have statistics of different features. Choose one of them."
        )


def identity(request: EvaluationRequest) -> str:
    """A digest that is different for other evaluations in the same folder.

    It includes the code's version, because another version may compute other figures.
    """
    asked = dataclasses.asdict(request)
    for how in ("batch_size", "skip_bad", "save_statistics"):
        del asked[how]
    return digest({name: str(value) for name, value in asked.items()}, code_version())[:8]
