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
        build: (rate, rate at the end, steps of the decay, steps of an epoch) → the rate by step of
            the decay.
        repeats: Whether the rate rises again after the decay, and so on without end.
        by_epoch: Whether all steps of an epoch have the same rate.
    """

    build: Callable[[float, float, int, int], optax.Schedule]
    repeats: bool = False
    by_epoch: bool = False


def _linear(rate: float, end: float, steps: int, steps_per_epoch: int) -> optax.Schedule:
    del steps_per_epoch
    return optax.linear_schedule(rate, end, steps)


def _cosine(rate: float, end: float, steps: int, steps_per_epoch: int) -> optax.Schedule:
    """end + ½·(rate − end)·(1 + cos(π·e/E)) in epoch e of E (Loshchilov, Hutter 2017)."""

    def at(step: Any) -> Array:
        epoch_start = step // steps_per_epoch * steps_per_epoch
        return end + 0.5 * (rate - end) * (1 + jnp.cos(jnp.pi * epoch_start / steps))

    return at


DECAYS = {
    "linear": Decay(_linear),
    "cosine": Decay(_cosine, by_epoch=True),
    "cosine_waves": Decay(_cosine, repeats=True, by_epoch=True),
}
"""By `config.optimizer.schedule`."""


def schedule_steps(config: ConfigDict, steps_per_epoch: int) -> tuple[int, int]:
    """Steps before the learning rate's decay, and steps of the decay, after which it is lowest.

    If the warm-up takes longer than the constant learning rate, the decay is shorter.
    """
    constant = round(config.optimizer.constant_epochs * steps_per_epoch)
    decay = round(config.optimizer.decay_epochs * steps_per_epoch)
    late = max(config.optimizer.warmup_steps - constant, 0)
    return constant + late, max(decay - late, 0)


def learning_rate(config: ConfigDict, steps_per_epoch: int) -> optax.Schedule:
    """Constant, then down to the end's, in the form of `config.optimizer.schedule`.

    By default, that is linearly to 0 (Full-Glow, section 4.1: 100 epochs each). With
    `warmup_steps`, it rises linearly in the first of the constant steps, not from 0: step 0 already
    learns.
    """
    constant, decay = schedule_steps(config, steps_per_epoch)
    rate, warmup = config.optimizer.learning_rate, config.optimizer.warmup_steps
    form, end = DECAYS[config.optimizer.schedule], config.optimizer.end_learning_rate
    down = form.build(rate, end, max(decay, 1), steps_per_epoch)
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
        raise UserError(
            f"config.train.steps={steps} is past the end of the learning rate's schedule, which is "
            f"{config.optimizer.end_learning_rate:g} after {end} steps: {schedule}. Lengthen one, "
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
    if DECAYS[optimizer.schedule].by_epoch and optimizer.decay_epochs < 2:
        raise UserError(
            f"config.optimizer.schedule={optimizer.schedule!r} has one learning rate an epoch, and "
            f"config.optimizer.decay_epochs={optimizer.decay_epochs:g} leaves it nowhere to go. "
            "Decay over 2 epochs or more, or by --config.optimizer.schedule=linear."
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
