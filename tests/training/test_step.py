"""The step around a model's own: what it takes, and what it refuses."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fullglow_jax.models.batch import Batch
from fullglow_jax.models.interface import StepReport, TrainState
from fullglow_jax.optimization.average import first_state
from fullglow_jax.training.step import guarded_step


class Counting:
    """Each step adds the batch's mean to the parameter, and one to the moment."""

    def init(self, key, batch):
        return TrainState(jnp.int32(0), {"params": {"w": jnp.float32(1)}}, jnp.float32(0))

    def train_step(self, state, batch, key):
        losses = batch.target
        weight = state.variables["params"]["w"] + losses.mean()
        new = replace(
            state,
            step=state.step + 1,
            variables={"params": {"w": weight}},
            optimizer=state.optimizer + 1,
        )
        scalars = {"loss": losses.mean(), "gradient_norm": batch.condition.max()}
        return new, StepReport(scalars, jnp.isfinite(losses))


def run(targets, average_decay=0.0, norms=None, ballots=(False,)):
    """States after each step; each step's batch has these targets."""
    model = Counting()
    step = jax.jit(guarded_step(model, average_decay))
    state = first_state(model, average_decay, jax.random.key(0), None)
    for place, of_step in enumerate(targets):
        norm = norms[place] if norms else 1.0
        batch = Batch(jnp.full(len(of_step), norm), jnp.asarray(of_step, jnp.float32))
        state, outcome = step(state, batch, jax.random.key(0), jnp.asarray(ballots))
        yield jax.device_get(state), jax.device_get(outcome)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("in_norm", [False, True])
def test_a_step_that_is_not_finite_changes_nothing_but_the_count(bad, in_norm):
    targets = [[1.0, 3.0], [1.0, 1.0] if in_norm else [1.0, bad], [4.0, 6.0]]
    norms = [1.0, bad if in_norm else 1.0, 1.0]
    (first, of_first), (second, of_second), (third, _) = run(targets, 0.5, norms)
    assert of_first.taken
    assert not of_second.taken
    assert of_second.finite.tolist() == [True, in_norm]
    assert (first.step, second.step, third.step) == (1, 2, 3)
    for part in ("variables", "optimizer", "average"):
        assert getattr(second, part) == getattr(first, part)
    assert third.variables["params"]["w"] == 1 + 2 + 5
    assert third.optimizer == 2


def test_moving_average_forgets_its_start():
    states = [state for state, _ in run([[1.0]] * 200, average_decay=0.9)]
    average, weight = 1.0, 1.0
    for step, state in enumerate(states):
        weight += 1.0
        decay = min(0.9, (1 + step) / (10 + step))
        average = decay * average + (1 - decay) * weight
        assert state.average["w"] == pytest.approx(average, rel=1e-5)
    # With weights that grow by one a step, the average is d / (1 − d) = 9 steps behind.
    assert weight - average == pytest.approx(9, abs=1e-3)


def test_without_an_average_there_is_none():
    ((state, _),) = run([[1.0]])
    assert state.average == ()


@pytest.mark.parametrize("ballots", [(False, False), (False, True), (True, True)])
def test_one_yes_is_a_yes(ballots):
    ((_, outcome),) = run([[1.0]], ballots=ballots)
    assert outcome.stop == any(ballots)
