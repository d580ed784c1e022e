"""The training loop, from a config to checkpoints, metrics and pictures."""

import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax import Array
from ml_collections import ConfigDict
from PIL import Image

from fullglow_jax.config import check_numbers, check_same_model
from fullglow_jax.data.faults import described
from fullglow_jax.data.pair import PairSource
from fullglow_jax.data.pipeline import evaluation_batches, training_batches
from fullglow_jax.data.source import build_source
from fullglow_jax.errors import UserError
from fullglow_jax.evaluation.bits_per_dim import BitsPerDim
from fullglow_jax.models import Architecture, build_architecture, build_model
from fullglow_jax.models.interface import Batch, LikelihoodModel, TrainState
from fullglow_jax.parallel import Devices
from fullglow_jax.progress import ProgressLine
from fullglow_jax.sampling.conditions import from_source
from fullglow_jax.sampling.grid import samples_grid
from fullglow_jax.sampling.sampler import Sampler
from fullglow_jax.training.checkpoints import Checkpoints
from fullglow_jax.training.compilation import compiler_options
from fullglow_jax.training.interruption import StopRequest
from fullglow_jax.training.metrics import TRAIN, VALIDATION, Metrics, draw_curve
from fullglow_jax.training.optimizer import learning_rate, total_steps
from fullglow_jax.training.trained import abstract_state

CONDITIONAL = "bits_per_dim/conditional"


def train(config: ConfigDict, workdir: Path) -> None:
    """Trains until the config's last step, going on from the newest checkpoint if there is one.

    Writes `checkpoints/`, `metrics.jsonl`, `tensorboard/`, `samples/` and `curve.png` into the
    workdir. Data order and noise derive from `config.seed` and the step: a run that was stopped
    and started again ends where one left alone would have.

    Raises:
        UserError: Where the config asks for what is not possible, the data is missing or bad, or
            the workdir belongs to another model.
    """
    # ---- what there is: devices, model, data -------------------------------------------------
    check_numbers(config)
    devices = Devices()
    devices.check_batch_size(config.train.batch_size, "config.train.batch_size")
    architecture = build_architecture(config)
    checkpoints = _open_checkpoints(config, workdir)
    train_source = build_source(config.data, "train", boundary=architecture.boundary)
    validation_source = build_source(config.data, "val", boundary=architecture.boundary)
    steps_per_epoch = max(1, round(len(train_source) / config.train.batch_size))
    schedule = learning_rate(config, steps_per_epoch)
    total = total_steps(config, steps_per_epoch)
    model = build_model(config, schedule)
    keys = jax.device_put(jax.random.split(jax.random.key(config.seed), 4), devices.replicated)
    of_init, of_training, of_validation, of_samples = keys

    batches = training_batches(
        train_source,
        batch_size=config.train.batch_size,
        seed=config.seed,
        threads=config.data.threads,
        boundary=architecture.boundary_spec,
        flip=config.data.flip,
    )
    validate = _Validation(config, architecture, model, validation_source, devices, of_validation)
    draw = _SampleGrids(config, architecture, model, validation_source, of_samples, workdir)
    like = abstract_state(model, architecture, devices)
    parameters = sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(like.variables["params"]))
    step = max(checkpoints.steps(), default=0)
    metrics = Metrics(workdir, step)

    with ProgressLine("training", total, step) as progress, StopRequest() as stop:
        progress.say(
            f"{config.model.name}: {parameters:,} parameters, {len(train_source)} training and "
            f"{len(validation_source)} validation pairs, {devices.mesh.size} device(s), {workdir}"
        )
        for split, source in (("train", train_source), ("val", validation_source)):
            progress.say(f"{split}: {source.where}")
            if source.faults:
                progress.say(f"left out, as on_bad_file says:\n{described(source.faults)}")
        # ---- where to begin: at a checkpoint, or at the first batch --------------------------
        with ThreadPoolExecutor(1) as other_thread:
            if step:
                state, position = checkpoints.restore(step, like)
                batches.set_state(position)
                progress.say(f"going on from step {step} of {total}")
            if step < total:
                progress.say("compiling the training step …")
                position = batches.get_state()
                first = devices.put_batch(next(batches))
                batches.set_state(position)
                lowered = _lowered(model, devices, like, first, of_training)
                compiling = other_thread.submit(lowered.compile)
            if not step:
                # The first batch starts the actnorms, and is trained on like any other afterwards.
                state = _jitted(model.init, devices)(of_init, first)
                if config.train.validate_at_start:
                    metrics.scalars(0, validate(state))

        # ---- the steps -----------------------------------------------------------------------
        since_log: list[dict[str, Array]] = []
        logged_at = time.monotonic()
        while step < total and not stop.made:
            batch = devices.put_batch(next(batches))
            state, scalars = compiling.result()(state, batch, of_training)
            step += 1
            since_log.append(scalars)

            def due(every: int, step: int = step) -> bool:
                return step % every == 0 or step == total

            others = ("validate_every", "sample_every", "checkpoint_every")
            pauses = any(due(config.train[every]) for every in others)
            if due(config.train.log_every) or pauses:
                values = _means(since_log)
                rate = config.train.batch_size * len(since_log) / (time.monotonic() - logged_at)
                values |= {"images_per_second": rate, "learning_rate": float(schedule(step - 1))}
                metrics.scalars(step, {TRAIN + name: value for name, value in values.items()})
                progress.update(step, f"{values[CONDITIONAL]:.3f} bits/dim  {rate:.1f} images/s")
                since_log, logged_at = [], time.monotonic()
            validation_bits = None
            if due(config.train.validate_every):
                scores = validate(state)
                validation_bits = scores[VALIDATION + CONDITIONAL]
                metrics.scalars(step, scores)
                draw_curve(workdir)
                progress.say(f"step {step}: validation {validation_bits:.4f} bits/dim")
            if due(config.train.sample_every):
                metrics.image(step, "samples", draw(state, step))
            if due(config.train.checkpoint_every) or stop.made:
                checkpoints.save(state, batches.get_state(), config, validation_bits)
            if pauses:
                logged_at = time.monotonic()

        # ---- the end -------------------------------------------------------------------------
        if stop.made and step not in checkpoints.steps():  # asked between two steps
            checkpoints.save(state, batches.get_state(), config)
        batches.close()
        checkpoints.close()
        metrics.close()
        if stop.made:
            progress.say(f"stopped at step {step}, saved; the same command goes on from there")
        else:
            progress.say(
                f"trained {step} steps: {workdir}/checkpoints, {draw_curve(workdir)}, "
                f"{workdir}/samples, {workdir}/metrics.jsonl"
            )


def _open_checkpoints(config: ConfigDict, workdir: Path) -> Checkpoints:
    """The workdir's checkpoints, which must be of this config's model."""
    try:
        workdir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--workdir {workdir} cannot be made: {error.strerror}.") from None
    checkpoints = Checkpoints(workdir, config.train.keep_last)
    if steps := checkpoints.steps():
        check_same_model(config, checkpoints.config(steps[-1]), workdir)
    return checkpoints


def _lowered(
    model: LikelihoodModel, devices: Devices, state: TrainState, batch: Batch, key: Array
) -> Any:
    """The training step, to be compiled for what is shaped and placed like the arguments.

    Tracing is Python's work, which another thread would only wait for: what the main thread does
    while the step is compiled begins after it.
    """
    return _jitted(model.train_step, devices, donate_argnums=0).lower(state, batch, key)


def _jitted(function: Callable[..., Any], devices: Devices, **settings: Any) -> Any:
    """Jitted, with results that all devices have."""
    settings |= {"out_shardings": devices.replicated, "compiler_options": compiler_options()}
    return jax.jit(function, **settings)


def _means(scalars: list[dict[str, Array]]) -> dict[str, float]:
    """Means by name, fetched from the device in one go."""
    fetched = jax.device_get(scalars)
    return {name: float(np.mean([s[name] for s in fetched])) for name in fetched[0]}


class _Validation:
    """Bits per dimension of the validation split, under the same noise every time."""

    def __init__(
        self,
        config: ConfigDict,
        architecture: Architecture,
        model: LikelihoodModel,
        source: PairSource,
        devices: Devices,
        key: Array,
    ) -> None:
        self.config, self.architecture, self.source = config, architecture, source
        self.key = key
        self.score = BitsPerDim(model, devices)

    def __call__(self, state: TrainState) -> dict[str, float]:
        """Means by name."""
        batches = evaluation_batches(
            self.source,
            batch_size=self.config.train.batch_size,
            threads=self.config.data.threads,
            boundary=self.architecture.boundary_spec,
            limit=self.config.train.validation_examples,
        )
        bits = self.score(state.variables, batches, self.key)
        return {f"{VALIDATION}bits_per_dim/{name}": float(v.mean()) for name, v in bits.items()}


class _SampleGrids:
    """A picture of samples under fixed conditions and noise."""

    def __init__(
        self,
        config: ConfigDict,
        architecture: Architecture,
        model: LikelihoodModel,
        source: PairSource,
        key: Array,
        workdir: Path,
    ) -> None:
        self.settings = config.train
        self.conditions = from_source(source, config.train.sample_conditions, architecture)
        self.sampler = Sampler(model, key, config.train.samples_per_condition)
        self.folder = workdir / "samples"

    def __call__(self, state: TrainState, step: int) -> np.ndarray:
        """Draws, writes `samples/step_N.png` and returns the picture."""
        rows: list[list[np.ndarray]] = [[] for _ in self.conditions.names]
        count, temperature = self.settings.samples_per_condition, self.settings.temperature
        drawn = self.sampler(state.variables, self.conditions.batch, count, temperature)
        for place, _, image in drawn:
            rows[place].append(image)
        picture = samples_grid(self.conditions, rows, (temperature,))
        self.folder.mkdir(exist_ok=True)
        Image.fromarray(picture).save(self.folder / f"step_{step:07d}.png")
        return picture
