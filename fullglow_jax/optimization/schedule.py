"""The learning rate by step, and the number of steps."""

import math
from pathlib import Path

import optax
from ml_collections import ConfigDict

from fullglow_jax.errors import UserError


def schedule_steps(config: ConfigDict, steps_per_epoch: int) -> tuple[int, int]:
    """Steps before the learning rate's decay, and steps of the decay, after which it is 0.

    If the warm-up takes longer than the constant learning rate, the decay is shorter.
    """
    constant = round(config.optimizer.constant_epochs * steps_per_epoch)
    decay = round(config.optimizer.decay_epochs * steps_per_epoch)
    late = max(config.optimizer.warmup_steps - constant, 0)
    return constant + late, max(decay - late, 0)


def learning_rate(config: ConfigDict, steps_per_epoch: int) -> optax.Schedule:
    """Constant, then linearly to 0 (Full-Glow, section 4.1: 100 epochs each).

    With `warmup_steps`, it rises linearly in the first of the constant steps, not from 0: step 0
    already learns.
    """
    constant, decay = schedule_steps(config, steps_per_epoch)
    rate, warmup = config.optimizer.learning_rate, config.optimizer.warmup_steps
    parts = [optax.constant_schedule(rate), optax.linear_schedule(rate, 0.0, max(decay, 1))]
    boundaries = [constant]
    if warmup:
        parts = [optax.linear_schedule(rate / warmup, rate, warmup - 1), *parts]
        boundaries = [warmup - 1, constant]
    return optax.join_schedules(parts, boundaries)


def total_steps(config: ConfigDict, steps_per_epoch: int) -> int:
    """`config.train.steps`, or the step at which the learning rate is 0.

    Raises:
        UserError: If the learning rate is 0 before that, or never reaches its full value.
    """
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
    if steps is not None and steps > end:
        longer = math.ceil((steps - decay) / steps_per_epoch)
        raise UserError(
            f"config.train.steps={steps} is past the end of the learning rate's schedule, which is "
            f"0 after {end} steps: {schedule}. Lengthen one, for example "
            f"--config.optimizer.constant_epochs={longer}, or train for {end} steps."
        )
    return end if steps is None else int(steps)


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
