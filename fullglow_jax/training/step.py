"""A guard around any model's training step."""

from collections.abc import Callable
from dataclasses import replace

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array

from fullglow_jax.models.batch import Batch
from fullglow_jax.models.interface import Model, TrainState
from fullglow_jax.optimization.average import with_average


@struct.dataclass
class Outcome:
    """The outcome of a step, for the host.

    Attributes:
        scalars: Values to log, by name.
        finite: (B,), whether each example's own loss is finite.
        taken: A scalar: whether the step was taken, because all scalars are finite.
        stop: A scalar: whether any process wants to stop.
    """

    scalars: dict[str, Array]
    finite: Array
    taken: Array
    stop: Array


def guarded_step(
    model: Model, average_decay: float
) -> Callable[[TrainState, Batch, Array, Array], tuple[TrainState, Outcome]]:
    """The model's training step, which changes nothing if something in it is not finite.

    Parameters, moments and averages (see `with_average`) then keep their values. The step is still
    counted, so that the next one has different noise.

    Returns:
        (state, batch, key, ballots) → (state, outcome). Ballots are (devices,): whether each
        device's process wants to stop.
    """

    def step(
        state: TrainState, batch: Batch, key: Array, ballots: Array
    ) -> tuple[TrainState, Outcome]:
        new, report = model.train_step(state, batch, key)
        new = with_average(new, state, average_decay)
        taken = jnp.stack([jnp.isfinite(value) for value in report.scalars.values()]).all()
        kept = jax.tree.map(lambda after, before: jnp.where(taken, after, before), new, state)
        outcome = Outcome(report.scalars, report.finite, taken, ballots.any())
        return replace(kept, step=new.step), outcome

    return step
