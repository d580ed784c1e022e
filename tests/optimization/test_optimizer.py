"""Adam and its limits, against Adam and against what they promise."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from ml_collections import ConfigDict

from fullglow_jax.optimization.optimizer import build_optimizer

RATE = 0.1


same = partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-7)


def adam(**changes):
    defaults = {"clip_norm": None, "clip_spikes": None, "beta_1": 0.9, "beta_2": 0.999}
    config = ConfigDict({**defaults, **changes})
    return build_optimizer(config, lambda _: RATE)


def updates(gradients, **limits):
    """What each of the gradients adds to the parameters."""
    optimizer = adam(**limits)
    state = optimizer.init(gradients[0])
    step = jax.jit(optimizer.update)
    for gradient in gradients:
        update, state = step(gradient, state)
        yield jax.device_get(update)


def noise(steps, scale=1.0):
    keys = jax.random.split(jax.random.key(0), steps)
    return [
        {
            "large": jax.random.normal(key, (8, 8)),
            "small": 1e-4 * scale * jax.random.normal(jax.random.fold_in(key, 1), (50,)),
        }
        for key in keys
    ]


def test_without_limits_it_is_adam():
    gradients = noise(20)
    adam = optax.adam(RATE)
    state = adam.init(gradients[0])
    for gradient, update in zip(gradients, updates(gradients), strict=True):
        expected, state = adam.update(gradient, state)
        jax.tree.map(same, jax.device_get(expected), update)


def test_its_betas_are_adams():
    gradients = noise(20)
    adam = optax.adam(RATE, b1=0.8, b2=0.99)
    state = adam.init(gradients[0])
    for gradient, update in zip(
        gradients, updates(gradients, beta_1=0.8, beta_2=0.99), strict=True
    ):
        expected, state = adam.update(gradient, state)
        jax.tree.map(same, jax.device_get(expected), update)


def test_limits_that_are_not_reached_change_nothing():
    gradients = noise(20)
    free, limited = updates(gradients), updates(gradients, clip_norm=1e3, clip_spikes=10.0)
    for a, b in zip(free, limited, strict=True):
        jax.tree.map(same, a, b)


def spike(at, times):
    gradients = noise(60)
    gradients[at]["small"] = gradients[at]["small"] * times
    return gradients


def farthest(gradients, **limits):
    """How far the small array has gone ten steps after the spike, in learning rates."""
    gone = sum(update["small"] for update in list(updates(gradients, **limits))[40:50])
    return np.sqrt((gone**2).mean()) / RATE


def test_a_spike_in_an_array_of_small_gradients():
    gradients = spike(40, times=1e3)
    quiet = farthest(noise(60), clip_norm=1.0)
    # The norm of all gradients together hardly tells of it.
    assert farthest(gradients, clip_norm=1.0) > 1.7 * quiet
    assert farthest(gradients, clip_norm=1.0, clip_spikes=3.0) < 1.3 * quiet


@pytest.mark.parametrize("decay", [0.999, 0.9])
def test_a_gradient_is_held_against_its_own_arrays_past(decay):
    gradients = spike(40, times=1e3)
    *_, free = updates(noise(41), clip_spikes=3.0, beta_2=decay)
    *_, limited = updates(gradients[:41], clip_spikes=3.0, beta_2=decay)
    np.testing.assert_array_equal(limited["large"], free["large"])
    # Three times the root mean square of what was: the direction is the spike's.
    past = np.stack([g["small"] for g in gradients[:40]])
    weights = decay ** np.arange(39, -1, -1)
    usual = np.sqrt((weights @ (past**2).sum(1)) * (1 - decay) / (1 - decay**40))
    given = np.asarray(gradients[40]["small"])
    by_hand = [
        *gradients[:40],
        gradients[40] | {"small": given * 3 * usual / np.linalg.norm(given)},
    ]
    *_, expected = updates(by_hand, beta_2=decay)
    np.testing.assert_allclose(limited["small"], expected["small"], rtol=1e-4)


def test_an_array_whose_gradient_was_zero_begins_to_learn():
    still = {"w": jnp.zeros(4)}
    moved = {"w": jnp.ones(4)}
    *_, last = updates([still, still, moved], clip_spikes=3.0)
    *_, expected = updates([still, still, moved])
    np.testing.assert_array_equal(last["w"], expected["w"])
    assert np.abs(last["w"]).min() > 0


@pytest.mark.parametrize("limits", [{"beta_2": 0.99}, {"clip_norm": 1.0}, {"clip_spikes": 3.0}])
def test_the_state_is_the_same_with_every_limit(limits):
    params = {"w": jnp.ones(3)}
    like, state = (adam(**given).init(params) for given in ({}, limits))
    assert jax.tree.structure(state) == jax.tree.structure(like)
