"""The moving average of the parameters: its start, its update, and its use."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import optax
from jax import Array

from fullglow_jax.models.batch import Batch
from fullglow_jax.models.interface import Model, PyTree, TrainState


def first_state(model: Model, average_decay: float, key: Array, batch: Batch) -> TrainState:
    """The model's first state; a moving average, if there is one, starts at the parameters."""
    state = model.init(key, batch)
    average = jax.tree.map(jnp.copy, state.variables["params"]) if average_decay else ()
    return replace(state, average=average)


def with_average(new: TrainState, old: TrainState, decay: float) -> TrainState:
    """The state after a step with an updated moving average: a ← d·a + (1 − d)·p.

    Args:
        new: The state after the step, with the average from before.
        old: The state before the step.
        decay: d; 0 for no average. In the first steps d is at most (1 + step) / (10 + step), so
            that the average forgets the start.
    """
    if not decay:
        return new
    d = jnp.minimum(decay, (1 + old.step) / (10 + old.step))
    average = optax.incremental_update(new.variables["params"], old.average, 1 - d)
    return replace(new, average=average)


def sampled_variables(state: TrainState) -> PyTree:
    """The variables for sampling and scoring: with the moving average, if there is one."""
    if not jax.tree.leaves(state.average):
        return state.variables
    return {**state.variables, "params": state.average}
