"""The paper's optimiser."""

import optax
from ml_collections import ConfigDict


def schedule_steps(config: ConfigDict, steps_per_epoch: int) -> tuple[int, int]:
    """Steps at a constant learning rate, and steps of its decay after them."""
    constant = round(config.optimizer.constant_epochs * steps_per_epoch)
    decay = round(config.optimizer.decay_epochs * steps_per_epoch)
    return constant, max(decay, 1)


def learning_rate(config: ConfigDict, steps_per_epoch: int) -> optax.Schedule:
    """Constant, then linearly to 0 (Full-Glow, section 4.1: 100 epochs each)."""
    constant, decay = schedule_steps(config, steps_per_epoch)
    rate = config.optimizer.learning_rate
    return optax.join_schedules(
        [optax.constant_schedule(rate), optax.linear_schedule(rate, 0.0, decay)], [constant]
    )


def total_steps(config: ConfigDict, steps_per_epoch: int) -> int:
    """`config.train.steps`, or until the learning rate is 0."""
    if config.train.steps is not None:
        return int(config.train.steps)
    return sum(schedule_steps(config, steps_per_epoch))
