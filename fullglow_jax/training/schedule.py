"""The learning rate by step, and how many steps there are."""

import optax
from ml_collections import ConfigDict


def schedule_steps(config: ConfigDict, steps_per_epoch: int) -> tuple[int, int]:
    """Steps at a constant learning rate, and steps of its decay after them."""
    constant = round(config.optimizer.constant_epochs * steps_per_epoch)
    decay = round(config.optimizer.decay_epochs * steps_per_epoch)
    return constant, max(decay, 1)


def learning_rate(config: ConfigDict, steps_per_epoch: int) -> optax.Schedule:
    """Constant, then linearly to 0 (Full-Glow, section 4.1: 100 epochs each).

    With `warmup_steps`, the first of the constant steps rise to it linearly: step 0 already learns.
    """
    constant, decay = schedule_steps(config, steps_per_epoch)
    rate, warmup = config.optimizer.learning_rate, config.optimizer.warmup_steps
    parts = [optax.constant_schedule(rate), optax.linear_schedule(rate, 0.0, decay)]
    boundaries = [constant]
    if warmup:
        parts = [optax.linear_schedule(rate / warmup, rate, warmup - 1), *parts]
        boundaries = [warmup - 1, max(constant, warmup)]
    return optax.join_schedules(parts, boundaries)


def total_steps(config: ConfigDict, steps_per_epoch: int) -> int:
    """`config.train.steps`, or until the learning rate is 0."""
    if config.train.steps is not None:
        return int(config.train.steps)
    return sum(schedule_steps(config, steps_per_epoch))
