import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fullglow_jax.bijections import ActNorm
from tests.networks.variables import quick_key

MEAN, DEVIATION = np.array([3.0, -1.0, 0.5]), np.array([0.1, 2.0, 7.0])


def batch():
    rng = np.random.default_rng(0)
    x = MEAN + DEVIATION * rng.standard_normal((2, 5, 6, 3))
    condition = rng.standard_normal((2, 5, 6, 4))
    return jnp.asarray(x, jnp.float32), jnp.asarray(condition, jnp.float32)


@pytest.mark.parametrize("conditional", [False, True])
def test_starts_from_the_first_batch(conditional):
    x, condition = batch()
    inputs = (x, condition) if conditional else (x,)
    module = ActNorm(3, conditional)
    forward = jax.jit(lambda key, *inputs: module.init_with_output(key, *inputs, method="forward"))
    (y, log_det), variables = forward(quick_key(), *inputs)
    scale, shift = 1 / (x.std((0, 1, 2), ddof=1) + 1e-6), -x.mean((0, 1, 2))

    np.testing.assert_allclose(y.mean((0, 1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(y.std((0, 1, 2), ddof=1), 1, atol=1e-4)
    np.testing.assert_allclose(log_det, np.full(2, 5 * 6 * np.log(scale).sum()), rtol=1e-5)
    params = variables["params"]
    if conditional:
        start = params["vector_net"]["output"]["bias"]
        assert not params["vector_net"]["output"]["kernel"].any()
    else:
        start = jnp.concatenate([params["scale"], params["shift"]])
    np.testing.assert_allclose(start, jnp.concatenate([scale, shift]), rtol=1e-5)


def test_deviation_has_bessels_correction():
    x = jnp.array([0.0, 2.0]).reshape(1, 1, 2, 1)
    params = ActNorm(1).init(quick_key(), x, method="forward")["params"]
    np.testing.assert_allclose(params["scale"], [1 / 2**0.5], rtol=1e-5)
    np.testing.assert_allclose(params["shift"], [-1.0])


def test_a_constant_channel_is_survived():
    x = jnp.full((1, 2, 2, 1), 0.5)
    params = ActNorm(1).init(quick_key(), x, method="forward")["params"]
    np.testing.assert_allclose(params["scale"], [1e6], rtol=1e-5)


def test_shifts_before_it_scales():
    variables = {"params": {"scale": jnp.array([-2.0, 0.5]), "shift": jnp.array([3.0, -1.0])}}
    x = jnp.array([1.0, 5.0]) * jnp.ones((2, 3, 4, 2))
    y, log_det = ActNorm(2).apply(variables, x, method="forward")
    np.testing.assert_allclose(y[1, 2, 3], [-8.0, 2.0])
    np.testing.assert_allclose(log_det, 12 * np.log(2.0 * 0.5) * np.ones(2), atol=1e-6)
    np.testing.assert_allclose(ActNorm(2).apply(variables, y, method="inverse"), x)


def test_later_batches_do_not_restart_it():
    x, _ = batch()
    variables = {"params": {"scale": jnp.ones(3), "shift": jnp.zeros(3)}}
    y, log_det = ActNorm(3).apply(variables, x, method="forward")
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(log_det, [0, 0])
