"""The training loop, from a config to checkpoints, metrics and pictures."""

import math
from collections import deque
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from fullglow_jax.config import check_numbers, check_same_model
from fullglow_jax.data.faults import described
from fullglow_jax.data.pipeline import training_batches
from fullglow_jax.data.source import build_source
from fullglow_jax.errors import LeaveAtOnce, UserError
from fullglow_jax.models import build_architecture, build_model
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.parallel.distributed import is_first, join, meet
from fullglow_jax.parallel.gradients import sharded_mean_gradient
from fullglow_jax.progress import ProgressLine
from fullglow_jax.training.bad_steps import BadSteps
from fullglow_jax.training.checkpoints import Checkpoints
from fullglow_jax.training.compilation import CompiledStep, compiled
from fullglow_jax.training.failures import explained
from fullglow_jax.training.interruption import StopRequest, Vote
from fullglow_jax.training.metrics import TRAIN, VALIDATION, Metrics
from fullglow_jax.training.pictures import SampleGrids, save_picture
from fullglow_jax.training.profiling import Profile
from fullglow_jax.training.schedule import learning_rate, total_steps
from fullglow_jax.training.step import Outcome, first_state, guarded_step
from fullglow_jax.training.stopwatch import CHECKPOINT, DATA, PAUSE, Stopwatch
from fullglow_jax.training.trained import abstract_batch, abstract_state, sampled_variables
from fullglow_jax.training.validation import Validation

AHEAD = 2
"""Steps that are dispatched before the host has seen what the first of them said."""


def train(config: ConfigDict, workdir: Path, profile_steps: int = 0) -> None:
    """Trains until the config's last step, going on from the newest checkpoint if there is one.

    Writes `checkpoints/`, `metrics.jsonl`, `tensorboard/`, `samples/` and `curve.png` into the
    workdir. Data order and noise derive from `config.seed` and the step: a run that was stopped
    and started again, on as many devices or on others, ends where one left alone would have.

    Args:
        config: What to train, and how.
        workdir: The run's folder.
        profile_steps: How many steps to trace to `WORKDIR/profile`.

    Raises:
        UserError: Where the config asks for what is not possible, the data is missing or bad,
            the workdir belongs to another model, or training fails in a way that can be mended.
        LeaveAtOnce: Where the process is to end without waiting for its other threads.
    """
    # ---- what there is: devices, model, data -------------------------------------------------
    check_numbers(config)
    join(config.parallel.distributed)
    devices = Devices(config.parallel)
    batch_size, parts = config.train.batch_size, config.train.accumulate
    devices.check_batch_size(batch_size, "config.train.batch_size", parts)
    architecture = build_architecture(config)
    checkpoints = _open_checkpoints(config, workdir)
    train_source = build_source(config.data, "train", boundary=architecture.boundary)
    validation_source = build_source(config.data, "val", boundary=architecture.boundary)
    steps_per_epoch = max(1, round(len(train_source) / batch_size))
    schedule = learning_rate(config, steps_per_epoch)
    total = total_steps(config, steps_per_epoch)
    model = build_model(config, schedule, sharded_mean_gradient(devices, parts))
    headline = f"bits_per_dim/{model.headline}"
    of_init, of_training, of_validation, of_samples = devices.keys(config.seed, 4)
    make_batches = partial(
        training_batches,
        train_source,
        batch_size=batch_size,
        seed=config.seed,
        threads=config.data.threads,
        workers=config.data.workers,
        boundary=architecture.boundary_spec,
        flip=config.data.flip,
    )
    common = (config, architecture, model, validation_source, devices)
    validate, draw = Validation(*common, of_validation), SampleGrids(*common, of_samples)
    average_decay = config.optimizer.average_decay
    like = abstract_state(model, architecture, devices, average_decay)
    parameters = sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(like.variables["params"]))
    latest = max(checkpoints.steps(), default=0)

    with ExitStack() as stack:
        enter = stack.enter_context
        progress = enter(ProgressLine("training", total, latest, quiet=not is_first()))
        stop = enter(StopRequest())
        enter(checkpoints)
        enter(explained(config, devices, workdir))
        batches = make_batches(**devices.share)
        stack.callback(batches.close)
        progress.say(
            f"{config.model.name}: {parameters:,} parameters, {len(train_source)} training and "
            f"{len(validation_source)} validation pairs, {devices.described}, {workdir}"
        )
        for split, source in (("train", train_source), ("val", validation_source)):
            progress.say(f"{split}: {source.where}")
            if source.faults:
                progress.say(f"left out, as on_bad_file says:\n{described(source.faults)}")

        # ---- where to begin: at a checkpoint, or at the first batch --------------------------
        vote = Vote(devices, stop)
        guarded = guarded_step(model, average_decay)
        of_batch = abstract_batch(architecture, batch_size, devices.sharded)

        def compile_step() -> CompiledStep:
            progress.say("compiling the training step …")
            return CompiledStep(guarded, devices, like, of_batch, of_training, vote.ballots())

        compiling = compile_step() if latest < total else None
        if resumed := checkpoints.restore_newest(like, progress.say):
            step, state = resumed.step, resumed.state
            batches.set_state(resumed.data)
            progress.begin_at(step)
            progress.say(f"going on from step {step} of {total}")
        else:
            # The first batch starts the actnorms, and is trained on like any other afterwards.
            step, beginning = 0, batches.get_state()
            first = devices.put_batch(next(batches))
            batches.set_state(beginning)
            start = partial(first_state, model, average_decay)
            placed = jax.tree.map(lambda leaf: leaf.sharding, like)
            initialise = compiled(start, placed, of_init, first)
            meet("first state")
            state = initialise(of_init, first)
        metrics = Metrics(workdir, step, writes=is_first())
        stack.callback(metrics.close)
        if step == 0 and config.train.validate_at_start:
            metrics.scalars(0, validate(sampled_variables(state)))

        # ---- the steps -----------------------------------------------------------------------
        def batch_of(number: int) -> Any:
            """A step's whole batch, read again."""
            again = make_batches()
            again.set_state({"next_batch": number - 1})
            try:
                return next(again)
            finally:
                again.close()

        bad_steps = BadSteps(config, workdir, batch_of, progress.say)
        profile = Profile(workdir / "profile", profile_steps, progress.say)
        if step < total and compiling is None:  # the latest checkpoint was damaged
            compiling = compile_step()
        train_step = compiling.get(unless=lambda: vote.passed) if compiling else None
        meet("first step")
        if train_step is not None and (needed := train_step.memory_analysis()) is not None:
            progress.say(
                f"a step takes {needed.temp_size_in_bytes / 2**20:,.0f} MiB beside the state"
            )
        watch = Stopwatch()
        unseen: deque[tuple[int, Outcome]] = deque()
        since_log: list[Outcome] = []

        def see(all_but: int) -> None:
            """Looks at what steps said, all but the last few."""
            while len(unseen) > all_but:
                number, outcome = unseen.popleft()
                vote.count(outcome.stop)
                bad_steps.see(number, outcome)

        while train_step is not None and step < total and not vote.passed:
            with watch.timing(DATA):
                batch = devices.put_batch(next(batches))
            state, outcome = train_step(state, batch, of_training, vote.ballots())
            step += 1
            unseen.append((step, outcome))
            since_log.append(outcome)
            profile.after_step(outcome)

            def due(every: str, step: int = step) -> bool:
                return step % config.train[every] == 0 or step == total

            others = ("validate_every", "sample_every", "checkpoint_every")
            pauses = any(map(due, others))
            logs = pauses or due("log_every")
            see(all_but=0 if logs else AHEAD)
            if logs:
                values = _means(since_log) | watch.split(len(since_log)) | devices.memory()
                rate = batch_size / values["seconds/step"]
                values |= {
                    "images_per_second": rate,
                    "learning_rate": float(schedule(step - 1)),
                    "bad_steps": float(bad_steps.count),
                }
                metrics.scalars(step, {TRAIN + name: value for name, value in values.items()})
                bits = f"{values[headline]:.3f} bits/dim" if headline in values else ""
                progress.update(step, f"{bits}  {rate:.1f} images/s")
                since_log = []
            validation_bits = None
            with watch.timing(PAUSE):
                if due("validate_every"):
                    scores = validate(sampled_variables(state))
                    validation_bits = scores[VALIDATION + headline]
                    metrics.scalars(step, scores)
                    metrics.draw_curve(model.headline)
                    progress.say(f"step {step}: validation {validation_bits:.4f} bits/dim")
                if due("sample_every"):
                    picture = draw(sampled_variables(state))
                    metrics.image(step, "samples", picture)
                    if is_first():
                        save_picture(picture, workdir, step)
            if due("checkpoint_every") or vote.passed:
                with watch.timing(CHECKPOINT):
                    checkpoints.save(state, batches.get_state(), config, validation_bits)

        # ---- the end -------------------------------------------------------------------------
        profile.close()
        stopped = step < total
        if stopped and step not in checkpoints.steps():  # asked between two steps
            checkpoints.save(state, batches.get_state(), config)
        checkpoints.wait()
        if stopped:
            progress.say(f"stopped at step {step}, saved; the same command goes on from there")
            if compiling and compiling.abandon():
                raise LeaveAtOnce
        else:
            curve = metrics.draw_curve(model.headline)
            progress.say(
                f"trained {step} steps: {workdir}/checkpoints, {curve}, "
                f"{workdir}/samples, {workdir}/metrics.jsonl"
            )


def _open_checkpoints(config: ConfigDict, workdir: Path) -> Checkpoints:
    """The workdir's checkpoints, which must be of this config's model."""
    try:
        workdir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--workdir {workdir} cannot be made: {error.strerror}.") from None
    checkpoints = Checkpoints(workdir, config.train.keep_last)
    if checkpoints.steps():
        check_same_model(config, checkpoints.newest(checkpoints.config).content, workdir)
    return checkpoints


def _means(outcomes: list[Outcome]) -> dict[str, float]:
    """Means by name over the steps that were taken, fetched from the device in one go."""
    fetched = jax.device_get([(outcome.scalars, outcome.taken) for outcome in outcomes])
    scalars = [of_step for of_step, taken in fetched if taken]
    return {name: float(np.mean([s[name] for s in scalars])) for name in (scalars or [{}])[0]}
