"""The training loop, from a config to checkpoints, metrics and pictures."""

import math
from collections import deque
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

import jax
import numpy as np
from ml_collections import ConfigDict

from fullglow_jax.config.changes import check_changes
from fullglow_jax.config.keys import check_config
from fullglow_jax.data.faults import described
from fullglow_jax.data.pipeline import HostBatch, training_batches
from fullglow_jax.data.source import build_source, with_classes
from fullglow_jax.errors import LeaveAtOnce
from fullglow_jax.files.folders import make_writable
from fullglow_jax.model_registry import build_architecture, build_model
from fullglow_jax.optimization.average import first_state, sampled_variables
from fullglow_jax.optimization.schedule import check_going_on, learning_rate, total_steps
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.parallel.distributed import is_first, meet
from fullglow_jax.parallel.gradients import sharded_mean_gradient
from fullglow_jax.progress import ProgressLine
from fullglow_jax.runs.checkpoints import Checkpoints
from fullglow_jax.runs.initial_weights import initial_weights, record_initial_weights
from fullglow_jax.runs.metrics import TRAIN, VALIDATION, Metrics
from fullglow_jax.runs.score import Goal, Score
from fullglow_jax.runs.trained import abstract_batch, state_like
from fullglow_jax.runs.workdir import check_new
from fullglow_jax.training.bad_steps import BadSteps
from fullglow_jax.training.compilation import CompiledStep, compiled
from fullglow_jax.training.failures import explained
from fullglow_jax.training.interruption import StopRequest, Vote
from fullglow_jax.training.pictures import SampleGrids, save_picture
from fullglow_jax.training.profiling import Profile
from fullglow_jax.training.step import Outcome, guarded_step
from fullglow_jax.training.stopwatch import CHECKPOINT, DATA, PAUSE, Stopwatch
from fullglow_jax.training.teachers import read_teachers
from fullglow_jax.training.validation import Validation

VALIDATE, SAMPLE = "validate_every", "sample_every"
"""Work between steps, by the keys of `config.train` that say when it is due."""

LOSS = "loss/"
"""The first part of the names of the losses of a model that has several."""

AHEAD = 2
"""Steps that are dispatched before the host reads the outcome of the first of them."""


def train(
    config: ConfigDict, workdir: Path, profile_steps: int = 0, init_from: Path | None = None
) -> bool:
    """Trains until the config's last step, from the newest checkpoint on if there is one.

    Writes `checkpoints/`, `metrics.jsonl`, `tensorboard/`, `samples/` and `curve.png` into the
    workdir. Data order and noise depend only on `config.seed` and the step: a run that was stopped
    and started again, even on other devices, gives the same result as an uninterrupted one. So many
    `profile_steps` are traced to `WORKDIR/profile`.

    A new run starts from the weights of another workdir's model, `init_from`, if it is given, and
    all else of it starts anew; a run that has begun goes on as it is.

    Returns:
        Whether the last step was taken; if not, it was asked to stop before.

    Raises:
        UserError: If the config is not possible, the data is missing or bad, the workdir belongs
            to another model, or training fails for a cause that the user can remove; also if
            the weights of `init_from` do not fit the model.
        LeaveAtOnce: If the process must end without waiting for its other threads.
    """
    # ---- devices, model, data ----------------------------------------------------------------
    check_config(config)
    devices = Devices(config.parallel)
    batch_size, parts = config.train.batch_size, config.train.accumulate
    devices.check_batch_size(batch_size, "config.train.batch_size", parts)
    config = with_classes(config)
    shapes = build_architecture(config)
    checkpoints = _open_checkpoints(config, workdir)
    train_source = build_source(config.data, "train", shapes.annotations, training=True)
    validation_source = build_source(config.data, "val", shapes.annotations)
    steps_per_epoch = max(1, round(len(train_source) / batch_size))
    schedule = learning_rate(config, steps_per_epoch)
    total = total_steps(config, steps_per_epoch)
    model = build_model(config, schedule, sharded_mean_gradient(devices, parts))
    teachers = read_teachers(model, config.parallel)
    init_key, training_key, validation_key, samples_key = devices.keys(config.seed, 4)
    make_batches = partial(
        training_batches,
        train_source,
        batch_size=batch_size,
        seed=config.seed,
        threads=config.data.threads,
        workers=config.data.workers,
        annotations=shapes.annotations,
        flip=config.data.flip,
        size=shapes.image_size,
    )
    average_decay = config.optimizer.average_decay
    start = partial(first_state, model, average_decay)
    batch_like = abstract_batch(shapes, batch_size, devices.sharded)
    like = state_like(start, init_key, batch_like, devices)
    common = (config, model, validation_source, devices)
    validate = Validation(*common, validation_key, like.variables)
    draw = SampleGrids(*common, samples_key)
    goal = validate.goal
    parameters = sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(like.variables["params"]))
    latest = max(checkpoints.steps(), default=0)
    weights = None
    if init_from and not checkpoints.steps():
        weights = initial_weights(init_from, like, config, devices)

    with ExitStack() as stack:
        enter = stack.enter_context
        pauses = {name: config.train[name] for name in (VALIDATE, SAMPLE)}
        progress = enter(
            ProgressLine("training", total, latest, pauses=pauses, quiet=not is_first())
        )
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

        for teacher in teachers:
            progress.say(teacher)
        if reason := shapes.without_noise:
            progress.say(f"note: all images of a condition will be the same: {reason}")

        # ---- the first state: from a checkpoint, or from the first batch ---------------------
        vote = Vote(devices, stop)
        guarded = guarded_step(model, average_decay)

        def compile_step() -> CompiledStep:
            progress.say("compiling the training step …")
            return CompiledStep(guarded, devices, like, batch_like, training_key, vote.ballots())

        compiling = compile_step() if latest < total else None
        if resumed := checkpoints.restore_newest(like, progress.say):
            step, state = resumed.step, resumed.state
            check_going_on(config, steps_per_epoch, step, workdir)
            batches.set_state(resumed.data)
            progress.begin_at(step)
            progress.say(f"going on from step {step} of {total}")
            if init_from:
                progress.say(f"--init_from {init_from} is for a new run: it changes nothing here")
        else:
            # The first batch initialises the actnorms; afterwards it is trained on like any other.
            step, beginning = 0, batches.get_state()
            first = devices.put_batch(next(batches).batch)
            batches.set_state(beginning)
            placed = jax.tree.map(lambda leaf: leaf.sharding, like)
            initialise = compiled(start, placed, init_key, first)
            meet("first state")
            state = initialise(init_key, first)
            record_initial_weights(workdir, weights)
            if weights:
                state = weights.put_into(state)
                progress.say(f"starting from {weights.described}")
        metrics = Metrics(workdir, step, writes=is_first())
        stack.callback(metrics.close)

        def draw_picture() -> None:
            with progress.pause(SAMPLE):
                picture = draw(sampled_variables(state))
                metrics.image(step, "samples", picture)
                if is_first():
                    save_picture(picture, workdir, step)

        if goal and step == 0 and config.train.validate_at_start:
            with progress.pause(VALIDATE):
                metrics.scalars(0, _named(VALIDATION, validate(sampled_variables(state))))
        if step == 0 and config.train.sample_at_start:
            draw_picture()

        # ---- the steps -----------------------------------------------------------------------
        def whole_batch(number: int) -> HostBatch:
            """Reads a step's whole batch again."""
            with closing(make_batches()) as again:
                again.set_state({"next_batch": number - 1})
                return next(again)

        bad_steps = BadSteps(config, workdir, step, whole_batch, checkpoints.steps, progress.say)
        stack.callback(bad_steps.close)
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
            """Reads the outcomes of all steps but the last few."""
            while len(unseen) > all_but:
                number, outcome = unseen.popleft()
                vote.count(outcome.stop)
                bad_steps.see(number, outcome)
                progress.measure_from(number)
                checkpoints.doubted = bool(bad_steps.in_a_row)

        def save(score: Score | None = None) -> bool:
            """Saves the state, unless its last step was bad: the state may be the cause."""
            see(all_but=0)
            if bad_steps.in_a_row:
                return False
            with watch.timing(CHECKPOINT):
                checkpoints.save(state, batches.get_state(), config, score)
            return True

        owed = False  # a checkpoint that could not be saved when it was due
        while train_step is not None and step < total and not vote.passed:
            with watch.timing(DATA):
                batch = devices.put_batch(next(batches).batch)
            state, outcome = train_step(state, batch, training_key, vote.ballots())
            step += 1
            unseen.append((step, outcome))
            since_log.append(outcome)
            profile.after_step(outcome)

            def due(every: str, step: int = step) -> bool:
                return step % config.train[every] == 0 or step == total

            logs = any(map(due, ("log_every", "checkpoint_every", VALIDATE, SAMPLE)))
            see(all_but=0 if logs else AHEAD)
            if logs:
                values = _means(since_log) | watch.split(len(since_log)) | devices.memory()
                rate = batch_size / values["seconds/step"]
                values |= {
                    "images_per_second": rate,
                    "learning_rate": float(schedule(step - 1)),
                    "bad_steps": float(bad_steps.count),
                }
                metrics.scalars(step, _named(TRAIN, values))
                progress.update(step, f"{_reached(values, goal)}  {rate:.1f} images/s")
                since_log = []
            score = None
            with watch.timing(PAUSE):
                if goal and due(VALIDATE):
                    with progress.pause(VALIDATE):
                        figures = validate(sampled_variables(state))
                        score = Score(figures[goal.name], goal)
                        metrics.scalars(step, _named(VALIDATION, figures))
                        metrics.draw_curve(goal.name)
                    fact = "" if math.isfinite(score.value) else ", which is no number"
                    progress.say(f"step {step}: validation {goal.told(score.value, 4)}{fact}")
                if due(SAMPLE):
                    draw_picture()
            # The best state is saved when validation finds it: no other checkpoint may be due.
            best = score is not None and checkpoints.would_be_best(score)
            owed = owed or due("checkpoint_every")
            if owed or best:
                owed = not save(score) and owed

        # ---- the end -------------------------------------------------------------------------
        profile.close()
        see(all_but=0)
        stopped = step < total
        if stopped and step not in checkpoints.steps():
            save()
        checkpoints.wait()
        saved = max(checkpoints.steps(), default=0)
        unsaved = f"its last step was not taken; the same command goes on from step {saved}"
        if stopped:
            rest = "saved; the same command goes on from there" if saved == step else unsaved
            progress.say(f"stopped at step {step}, {rest}")
            if compiling and compiling.abandon():
                raise LeaveAtOnce
        else:
            curve = f"{metrics.draw_curve(goal.name)}, " if goal else ""
            progress.say(
                f"trained {step} steps: {workdir}/checkpoints, {curve}"
                f"{workdir}/samples, {workdir}/metrics.jsonl"
            )
            if saved != step:
                progress.say(f"step {step} is not saved: {unsaved}")
        return not stopped


def _open_checkpoints(config: ConfigDict, workdir: Path) -> Checkpoints:
    """The workdir's checkpoints, after a check that they are of this config's model."""
    check_new(workdir)
    for folder in (workdir, workdir / "checkpoints"):
        make_writable(folder, "--workdir")
    checkpoints = Checkpoints(workdir, config.train.keep_last, config.train.keep_best)
    if checkpoints.steps():
        stored = checkpoints.newest(checkpoints.config).content
        changes = check_changes(config, stored, workdir, training=True)
        if changes and is_first():
            print(f"note: {changes}", flush=True)
    return checkpoints


def _named(prefix: str, values: dict[str, float]) -> dict[str, float]:
    return {prefix + name: value for name, value in values.items()}


def _reached(values: dict[str, float], goal: Goal | None) -> str:
    """The validation's figure, if training has it too; else the losses."""
    if goal and goal.name in values:
        return goal.told(values[goal.name], 3)
    losses = {name.removeprefix(LOSS): x for name, x in values.items() if name.startswith(LOSS)}
    return ", ".join(f"{name} {value:.3f}" for name, value in losses.items())


def _means(outcomes: list[Outcome]) -> dict[str, float]:
    """Means by name over the steps that were taken, in one transfer from the device."""
    fetched = jax.device_get([(outcome.scalars, outcome.taken) for outcome in outcomes])
    scalars = [step_scalars for step_scalars, taken in fetched if taken]
    return {name: float(np.mean([s[name] for s in scalars])) for name in (scalars or [{}])[0]}
