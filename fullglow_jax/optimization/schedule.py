"""The learning rate by step, and the number of steps."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import optax
from jax import Array
from ml_collections import ConfigDict

from fullglow_jax.errors import UserError


class Decay(NamedTuple):
    """A form of the learning rate's decay.

    Attributes:
        build: (`config.optimizer`, steps of the decay, steps of an epoch) → the rate by step of the
            decay.
        repeats: Whether the rate rises again after the decay, and so on without end.
        lead: Epochs of the constant rate that are the decay's.
        shortest: Epochs of the shortest decay in which the rate changes.
    """

    build: Callable[[ConfigDict, int, int], optax.Schedule]
    repeats: bool = False
    lead: int = 0
    shortest: int = 0


def _linear(config: ConfigDict, steps: int, steps_per_epoch: int) -> optax.Schedule:
    del steps_per_epoch
    return optax.linear_schedule(config.learning_rate, config.end_learning_rate, steps)


def _linear_epoch_starts(config: ConfigDict, steps: int, steps_per_epoch: int) -> optax.Schedule:
    """A line's value at the start of each epoch, which all its steps have."""
    line = _linear(config, steps, steps_per_epoch)
    return lambda step: line(_epoch_start(step, steps_per_epoch))


def _linear_epoch_ends(config: ConfigDict, steps: int, steps_per_epoch: int) -> optax.Schedule:
    """A line's value at the end of each epoch, which all its steps have."""
    line = _linear(config, steps, steps_per_epoch)
    return lambda step: line(_epoch_start(step, steps_per_epoch) + steps_per_epoch)


def _stairs(config: ConfigDict, steps: int, steps_per_epoch: int) -> optax.Schedule:
    """Times `step_factor` at once, and again every `step_epochs`."""
    del steps
    each = max(1, round(config.step_epochs * steps_per_epoch))

    def at(step: Any) -> Array:
        rate = config.learning_rate * config.step_factor ** (1.0 + step // each)
        return jnp.maximum(rate, config.end_learning_rate)

    return at


def _cosine(config: ConfigDict, steps: int, steps_per_epoch: int) -> optax.Schedule:
    """end + ½·(rate − end)·(1 + cos(π·e/E)) in epoch e of E (Loshchilov, Hutter 2017)."""
    rate, end = config.learning_rate, config.end_learning_rate

    def at(step: Any) -> Array:
        start = _epoch_start(step, steps_per_epoch)
        return end + 0.5 * (rate - end) * (1 + jnp.cos(jnp.pi * start / steps))

    return at


def _epoch_start(step: Any, steps_per_epoch: int) -> Any:
    return step // steps_per_epoch * steps_per_epoch


DECAYS = {
    "linear": Decay(_linear),
    "linear_epoch_starts": Decay(_linear_epoch_starts),
    "linear_epoch_ends": Decay(_linear_epoch_ends, lead=1),
    "step": Decay(_stairs),
    "cosine": Decay(_cosine, shortest=2),
    "cosine_waves": Decay(_cosine, repeats=True, shortest=2),
}
"""By `config.optimizer.schedule`."""


def schedule_steps(config: ConfigDict, steps_per_epoch: int) -> tuple[int, int]:
    """Steps before the learning rate's decay, and steps of the decay, after which it is lowest.

    If the warm-up takes longer than the constant learning rate, the decay is shorter. A decay that
    begins before the first step has a number below 0 before it.
    """
    warmup, lead = config.optimizer.warmup_steps, DECAYS[config.optimizer.schedule].lead
    constant = round(config.optimizer.constant_epochs * steps_per_epoch) - lead * steps_per_epoch
    decay = round(config.optimizer.decay_epochs * steps_per_epoch) + lead * steps_per_epoch
    late = max(warmup - constant, 0) if warmup else 0
    return constant + late, max(decay - late, 0)


def learning_rate(config: ConfigDict, steps_per_epoch: int) -> optax.Schedule:
    """Constant, then down to the end's, in the form of `config.optimizer.schedule`.

    By default, that is linearly to 0 (Full-Glow, section 4.1: 100 epochs each). With
    `warmup_steps`, it rises linearly in the first of the constant steps, not from 0: step 0 already
    learns.
    """
    constant, decay = schedule_steps(config, steps_per_epoch)
    rate, warmup = config.optimizer.learning_rate, config.optimizer.warmup_steps
    form = DECAYS[config.optimizer.schedule]
    down = form.build(config.optimizer, max(decay, 1), steps_per_epoch)
    parts, boundaries = [optax.constant_schedule(rate), down], [constant]
    if warmup:
        parts = [optax.linear_schedule(rate / warmup, rate, warmup - 1), *parts]
        boundaries = [warmup - 1, constant]
    return optax.join_schedules(parts, boundaries)


def total_steps(config: ConfigDict, steps_per_epoch: int) -> int:
    """`config.train.steps`, or the step at which the schedule of the learning rate ends.

    Raises:
        UserError: If the schedule ends before that, has no end and no steps are given, the
            learning rate never reaches its full value, or its decay is none.
    """
    _check_decay(config.optimizer)
    constant, decay = schedule_steps(config, steps_per_epoch)
    end, warmup, steps = constant + decay, config.optimizer.warmup_steps, config.train.steps
    schedule = _described(config, steps_per_epoch)
    if end == 0:
        raise UserError(f"the learning rate's schedule has no step: {schedule}. Lengthen one.")
    if warmup >= end:
        raise UserError(
            f"config.optimizer.warmup_steps={warmup} is no less than the whole schedule of the "
            f"learning rate, which would never be what it is to be: {schedule}. Lengthen one, or "
            "warm up for less."
        )
    if DECAYS[config.optimizer.schedule].repeats:
        if steps is None:
            raise UserError(
                f"config.optimizer.schedule={config.optimizer.schedule!r} has no end, and "
                f"config.train.steps is none. Say how long to train, for example "
                f"--config.train.steps={end}, after which the learning rate is lowest."
            )
    elif steps is not None and steps > end:
        longer = math.ceil((steps - decay) / steps_per_epoch)
        lowest = float(learning_rate(config, steps_per_epoch)(end))
        raise UserError(
            f"config.train.steps={steps} is past the end of the learning rate's schedule, which is "
            f"{lowest:g} after {end} steps: {schedule}. Lengthen one, "
            f"for example --config.optimizer.constant_epochs={longer}, or train for {end} steps."
        )
    return end if steps is None else int(steps)


def _check_decay(optimizer: ConfigDict) -> None:
    rate, end = optimizer.learning_rate, optimizer.end_learning_rate
    if end > rate:
        raise UserError(
            f"config.optimizer.end_learning_rate={end:g} is above "
            f"config.optimizer.learning_rate={rate:g}, from which it goes down. Lower it."
        )
    if optimizer.decay_epochs < (shortest := DECAYS[optimizer.schedule].shortest):
        raise UserError(
            f"config.optimizer.schedule={optimizer.schedule!r} has one learning rate an epoch, and "
            f"config.optimizer.decay_epochs={optimizer.decay_epochs:g} leaves it nowhere to go. "
            f"Decay over {shortest} epochs or more, or by --config.optimizer.schedule=linear."
        )


def check_going_on(config: ConfigDict, steps_per_epoch: int, step: int, workdir: Path) -> None:
    """Checks that training can go on from a step, or has ended exactly there.

    Raises:
        UserError: If it has already gone on for longer than the config says.
    """
    total = total_steps(config, steps_per_epoch)
    if step > total:
        asked = f"config.train.steps={config.train.steps}"
        if config.train.steps is None:
            asked = _described(config, steps_per_epoch)
        raise UserError(
            f"{workdir} has been trained for {step} steps, and the config asks for {total} in all: "
            f"{asked}. Ask for more, or choose another --workdir."
        )


def _described(config: ConfigDict, steps_per_epoch: int) -> str:
    return (
        f"config.optimizer.constant_epochs={config.optimizer.constant_epochs:g} and "
        f"config.optimizer.decay_epochs={config.optimizer.decay_epochs:g}, of {steps_per_epoch} "
        f"step{'s' if steps_per_epoch > 1 else ''} each"
    )
