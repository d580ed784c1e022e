"""Validation of a run, and the figure that chooses its best checkpoint."""

import difflib
from collections.abc import Sequence
from typing import Any

from jax import Array
from ml_collections import ConfigDict

from fullglow_jax.data.pair import PairSource
from fullglow_jax.errors import UserError, with_article
from fullglow_jax.evaluation.against import compare_with
from fullglow_jax.evaluation.metrics import METRICS
from fullglow_jax.evaluation.metrics.metric import ExampleFigures, ImageMetric, ModelMetric
from fullglow_jax.evaluation.metrics.of_sets import SetMetric
from fullglow_jax.evaluation.observers import OBSERVERS, Asked, load_observers
from fullglow_jax.files.paths import user_path
from fullglow_jax.installation import as_called
from fullglow_jax.models.interface import Model, PyTree, ScoringModel
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.runs.score import Goal
from fullglow_jax.sampling.capabilities import lacking
from fullglow_jax.training.scorers import ExampleMeans, ImageScores

SCORES = "scores"
"""Name of the metric for a model's own scores."""

DEFAULTS = ("bpd", SCORES, "ssim")
"""By default, a model is validated by the first of these that it has."""


class Validation:
    """Scores variables on the validation split, under the same noise every time.

    `config.train.metrics` names the metrics; the first variables that it gets may be abstract.

    Attributes:
        goal: The figure of the curve and of the best checkpoint; None if there is none.

    Raises:
        UserError: If `config.train.metrics` or `best_by` are unknown, or not possible for this
            model.
    """

    def __init__(
        self,
        config: ConfigDict,
        model: Model,
        source: PairSource,
        devices: Devices,
        key: Array,
        variables: PyTree,
    ) -> None:
        common = (config, model, source, devices, key)
        names = _metrics(config, model)
        found = {name: METRICS[name] for name in names if name in METRICS}
        asked = Asked.of(config.train)
        observers = load_observers(found.values(), asked, config.parallel, "config.train.")
        image_metrics = {
            name: m(observers.get(m.observer))
            for name, m in found.items()
            if issubclass(m, ImageMetric)
        }
        if config.train.against is not None:
            of_sets = [m for m in image_metrics.values() if isinstance(m, SetMetric)]
            path = user_path(config.train.against)
            compare_with(path, of_sets, observers, flag="config.train.against")
        self._scorers: list[ExampleMeans | ImageScores] = []
        for name in names:
            if name not in image_metrics:
                figures = _figures(name, model, config.train.temperature)
                self._scorers.append(ExampleMeans(*common, figures))
            elif name == next(iter(image_metrics)):  # all of them are of the same images
                self._scorers.append(ImageScores(*common, image_metrics))
        self.goal = self._goal(config.train.best_by, variables)

    def __call__(self, variables: PyTree) -> dict[str, float]:
        """The figures by name."""
        return {n: value for scorer in self._scorers for n, value in scorer(variables).items()}

    def _goal(self, name: str | None, variables: PyTree) -> Goal | None:
        if name is None:
            return self._scorers[0].headline if self._scorers else None
        goals = [goal for scorer in self._scorers for goal in scorer.goals(variables)]
        for goal in goals:
            if goal.name == name:
                return goal
        raise _unknown("best_by", name, [goal.name for goal in goals])


def _metrics(config: ConfigDict, model: Model) -> Sequence[str]:
    """The metrics that a config names, or the default of the model."""
    lacks = _lacks(model, Asked.of(config.train))
    if config.train.metrics is None:
        return [name for name in DEFAULTS if not lacks[name]][:1]
    for name in config.train.metrics:
        if name not in lacks:
            raise _unknown("metrics", name, [name for name, lack in lacks.items() if not lack])
        if lacks[name]:
            raise UserError(
                f"config.train.metrics={name}: this model, {with_article(config.model.name)}, "
                f"{lacks[name]}."
            )
    return tuple(dict.fromkeys(config.train.metrics))


def _figures(name: str, model: Any, temperature: float) -> ExampleFigures:
    """The figures of a metric that the model has."""
    metric = METRICS.get(name)
    if metric is not None and issubclass(metric, ModelMetric):
        return metric.of_examples(model, temperature)
    return ExampleFigures(model.scores, model.headline)


def _lacks(model: Model, asked: Asked) -> dict[str, str]:
    """The reason why each metric cannot validate a model in training; "" if it can."""
    lacks = {SCORES: "" if isinstance(model, ScoringModel) else "has no scores of its own"}
    for name, metric in METRICS.items():
        reasons = lacking(model, metric.needs)
        row = OBSERVERS.get(metric.observer)
        if row and metric.needs_observer and not row.there(asked):
            command = as_called(f"eval.py --metrics {name}")
            names = f"--config.train.{row.field} names one here"
            reasons.append(f"trains without {row.named}; {command} takes one, {names}")
        lacks[name] = " and ".join(reasons)
    return lacks


def _unknown(key: str, name: str, there: Sequence[str]) -> UserError:
    near = difflib.get_close_matches(name, there, n=1, cutoff=0)
    hint = f"did you mean {near[0]!r}? There are: {', '.join(there)}." if near else "It has none."
    return UserError(f"config.train.{key}={name}: validation of this model has no such; {hint}")
