"""Scorers of variables on the validation split, under the same noise every time."""

import math
from collections.abc import Mapping
from typing import Any

import jax
from jax import Array
from ml_collections import ConfigDict

from fullglow_jax.data.faults import described
from fullglow_jax.data.pair import PairSource
from fullglow_jax.data.pipeline import HostBatch, evaluation_batches
from fullglow_jax.errors import UserError
from fullglow_jax.evaluation.example_scores import ExampleScores
from fullglow_jax.evaluation.metrics.metric import (
    DrawnPair,
    ExampleFigures,
    ImageMetric,
    kind,
    measured,
)
from fullglow_jax.evaluation.truths import Truth
from fullglow_jax.models.interface import Model, PyTree
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.parallel.distributed import gathered, own_share
from fullglow_jax.pictures.grid import as_uint8
from fullglow_jax.runs.score import Goal
from fullglow_jax.runs.trained import abstract_batch
from fullglow_jax.sampling.sampler import Sampler


class ExampleMeans:
    """Means over true images of figures that a model has of each, such as bits per dimension.

    Attributes:
        headline: The most important figure.
    """

    def __init__(
        self,
        config: ConfigDict,
        model: Model,
        source: PairSource,
        devices: Devices,
        key: Array,
        figures: ExampleFigures,
    ) -> None:
        self._config, self._shapes, self._source = config, model.shapes, source
        self._devices, self._key, self._figures = devices, key, figures
        self._of_examples = ExampleScores(figures.score, devices)
        self.headline = self._goal(figures.headline)

    def goals(self, variables: PyTree) -> list[Goal]:
        """The goals of all figures that it computes for (abstract) variables."""
        keys = jax.eval_shape(lambda: jax.random.split(jax.random.key(0), 1))
        batch = abstract_batch(self._shapes, 1)
        return list(map(self._goal, jax.eval_shape(self._figures.score, variables, batch, keys)))

    def __call__(self, variables: PyTree) -> dict[str, float]:
        """The figures by name."""
        batches = evaluation_batches(
            self._source,
            batch_size=self._config.train.batch_size,
            threads=self._config.data.threads,
            annotations=self._shapes.annotations,
            limit=self._config.train.validation_examples,
            **self._devices.share,
        )
        scores = self._of_examples(variables, batches, self._key)
        return {self._goal(name).name: float(values.mean()) for name, values in scores.items()}

    def _goal(self, name: str) -> Goal:
        return Goal(self._figures.prefix + name, self._figures.higher_is_better)


class ImageScores:
    """Metrics of images drawn under the split's conditions, at the model's size.

    The number of images per condition and the temperature are those of the sample grids. Methods
    are as in `ExampleMeans`.

    Raises:
        UserError: If a metric cannot be computed for the first pair.
    """

    def __init__(
        self,
        config: ConfigDict,
        model: Model,
        source: PairSource,
        devices: Devices,
        key: Array,
        metrics: Mapping[str, ImageMetric],
    ) -> None:
        self._config, self._shapes, self._source = config, model.shapes, source
        self._key, self._metrics = key, metrics
        self._sampler = Sampler(model, devices, config.train.batch_size)
        self._goals = [Goal(name, metric.higher_is_better) for name, metric in metrics.items()]
        self.headline = self._goals[0]
        first = source[0]
        self._check(Truth(first["name"], first["condition"], first["target"], None))

    def goals(self, variables: PyTree) -> list[Goal]:
        del variables
        return self._goals

    def __call__(self, variables: PyTree) -> dict[str, float]:
        rounds = self._config.train.samples_per_condition
        batches = evaluation_batches(
            self._source,
            batch_size=self._sampler.conditions_at_once(rounds),
            threads=self._config.data.threads,
            annotations=self._shapes.annotations,
            limit=self._config.train.validation_examples,
        )
        found: dict[str, list[Any]] = {kind(metric): [] for metric in self._metrics.values()}
        place = 0
        for host in batches:
            pairs = self._drawn(variables, host, place)
            place += len(pairs)
            share = [pairs[i] for i in own_share(len(pairs))]
            for of_process in gathered(measured(self._metrics, share)):
                for name, measurements in of_process.items():
                    found[name] += measurements
        values = {n: m.value(m.result(found[kind(m)])) for n, m in self._metrics.items()}
        return {name: math.nan if value is None else value for name, value in values.items()}

    def _drawn(self, variables: PyTree, host: HostBatch, first: int) -> list[DrawnPair]:
        """A host batch's pairs with the images drawn for each; `first` is the first one's place."""
        batch, names, valid = host
        train = self._config.train
        rounds, temperature = train.samples_per_condition, train.temperature
        pairs = [
            DrawnPair(Truth(name, condition, target, None), [])
            for name, condition, target in zip(names, batch.condition, batch.target, strict=True)
        ]
        drawn = self._sampler(variables, batch, rounds, temperature, self._key, first)
        for place, _, image in drawn:
            pairs[place - first].images.append(as_uint8(image))
        pairs = pairs[: int(valid.sum())]  # the rows that fill up the last batch come last
        for pair in pairs:
            self._check(pair.truth)
        return pairs

    def _check(self, truth: Truth) -> None:
        for name, metric in self._metrics.items():
            if fault := metric.fault(truth):
                where = f"config.train.metrics={name} is taken at the model's size."
                raise UserError(f"{described([fault])} {where}")
