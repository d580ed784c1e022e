"""A training step that cannot do harm: around any model's own."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import struct
from jax import Array

from fullglow_jax.models.interface import Batch, Model, TrainState

PyTree = Any


@struct.dataclass
class Outcome:
    """What the host is told of a step.

    Attributes:
        scalars: To log, by name.
        finite: (B,), whether each example's own loss is finite.
        taken: Whether the step was taken, a scalar: whether all scalars are finite.
        stop: Whether any process wants to stop, a scalar.
    """

    scalars: dict[str, Array]
    finite: Array
    taken: Array
    stop: Array


def first_state(model: Model, average_decay: float, key: Array, batch: Batch) -> TrainState:
    """The model's first state; its moving average, where there is to be one, starts there."""
    state = model.init(key, batch)
    average = jax.tree.map(jnp.copy, state.variables["params"]) if average_decay else ()
    return replace(state, average=average)


def guarded_step(
    model: Model, average_decay: float
) -> Callable[[TrainState, Batch, Array, Array], tuple[TrainState, Outcome]]:
    """The model's training step, which changes nothing where something in it is not finite.

    Parameters, moments and averages then keep their values. The count of steps goes on, so that
    the next step has noise of its own.

    Args:
        model: The model.
        average_decay: d of the parameters' moving average, a ← d·a + (1 − d)·p; 0 for none. In
            the first steps d is at most (1 + step) / (10 + step), so that the start is forgotten.

    Returns:
        (state, batch, key, ballots) → (state, outcome); ballots are (devices,), whether the
        process of each wants to stop.
    """

    def step(
        state: TrainState, batch: Batch, key: Array, ballots: Array
    ) -> tuple[TrainState, Outcome]:
        new, report = model.train_step(state, batch, key)
        if average_decay:
            decay = jnp.minimum(average_decay, (1 + state.step) / (10 + state.step))
            params = new.variables["params"]
            new = replace(new, average=optax.incremental_update(params, state.average, 1 - decay))
        taken = jnp.stack([jnp.isfinite(value) for value in report.scalars.values()]).all()
        kept = jax.tree.map(lambda after, before: jnp.where(taken, after, before), new, state)
        outcome = Outcome(report.scalars, report.finite, taken, ballots.any())
        return replace(kept, step=new.step), outcome

    return step
