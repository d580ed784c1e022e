import numpy as np
import pytest

from fullglow_jax.bijections import ActNorm
from fullglow_jax.flows.conditioners.vector_net import Vector
from fullglow_jax.layers.precision import Compute
from tests.layers.variables import run, start

MEAN, DEVIATION = np.array([3.0, -1.0, 0.5]), np.array([0.1, 2.0, 7.0])


def batch():
    rng = np.random.default_rng(0)
    x = MEAN + DEVIATION * rng.standard_normal((2, 5, 6, 3))
    condition = rng.standard_normal((2, 5, 6, 4))
    return x.astype(np.float32), condition.astype(np.float32)


def own(scale, shift):
    return {"params": {"scale": np.float32(scale), "shift": np.float32(shift)}}


@pytest.mark.parametrize("conditional", [False, True])
def test_starts_from_the_first_batch(conditional):
    x, condition = batch()
    inputs = (x, condition) if conditional else (x,)
    (y, log_det), variables = start(
        ActNorm(3, Vector(Compute()) if conditional else None), *inputs, method="forward"
    )
    scale, shift = 1 / (x.std((0, 1, 2), ddof=1) + 1e-6), -x.mean((0, 1, 2))

    np.testing.assert_allclose(y.mean((0, 1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(y.std((0, 1, 2), ddof=1), 1, atol=1e-4)
    np.testing.assert_allclose(log_det, np.full(2, 5 * 6 * np.log(scale).sum()), rtol=1e-4)
    params = variables["params"]
    if conditional:
        assert not params["vector_net"]["output"]["kernel"].any()
        first = params["vector_net"]["output"]["bias"]
    else:
        first = np.concatenate([params["scale"], params["shift"]])
    np.testing.assert_allclose(first, np.concatenate([scale, shift]), rtol=1e-4)


def test_deviation_has_bessels_correction():
    x = np.float32([0.0, 2.0]).reshape(1, 1, 2, 1)
    params = start(ActNorm(1), x, method="forward")[1]["params"]
    np.testing.assert_allclose(params["scale"], [1 / 2**0.5], rtol=1e-5)
    np.testing.assert_allclose(params["shift"], [-1.0])


def test_a_constant_channel_is_survived():
    x = np.full((1, 2, 2, 1), 0.5, np.float32)
    params = start(ActNorm(1), x, method="forward")[1]["params"]
    np.testing.assert_allclose(params["scale"], [1e6], rtol=1e-5)


@pytest.mark.parametrize("conditional", [False, True])
def test_a_single_pixel_is_shifted_alone(conditional):
    x, condition = np.float32([3.0, -1.0, 0.0]).reshape(1, 1, 1, 3), batch()[1][:1]
    inputs = (x, condition) if conditional else (x,)
    (y, log_det), variables = start(
        ActNorm(3, Vector(Compute()) if conditional else None), *inputs, method="forward"
    )
    np.testing.assert_array_equal(y, np.zeros_like(x))
    np.testing.assert_array_equal(log_det, [0.0])
    params = variables["params"]
    shift = params["vector_net"]["output"]["bias"][3:] if conditional else params["shift"]
    np.testing.assert_array_equal(shift, -x.ravel())


def test_one_pixel_of_two_images_has_a_deviation():
    x = np.float32([[0.0, 5.0], [2.0, 5.0]]).reshape(2, 1, 1, 2)
    params = start(ActNorm(2), x, method="forward")[1]["params"]
    np.testing.assert_allclose(params["scale"], [1 / 2**0.5, 1e6], rtol=1e-5)
    np.testing.assert_allclose(params["shift"], [-1.0, -5.0])


def test_shifts_before_it_scales():
    variables = own([-2.0, 0.5], [3.0, -1.0])
    x = np.ones((2, 3, 4, 2), np.float32) * np.float32([1.0, 5.0])
    y, log_det = run(ActNorm(2), variables, x, method="forward")
    np.testing.assert_allclose(y[1, 2, 3], [-8.0, 2.0])
    np.testing.assert_allclose(log_det, np.zeros(2), atol=1e-5)  # log|−2| + log|0.5|
    np.testing.assert_allclose(run(ActNorm(2), variables, y, method="inverse"), x)


def test_later_batches_do_not_restart_it():
    x, _ = batch()
    y, log_det = run(ActNorm(3), own(np.full(3, 2.0), np.zeros(3)), x, method="forward")
    np.testing.assert_allclose(y, 2 * x)
    np.testing.assert_allclose(log_det, np.full(2, 5 * 6 * 3 * np.log(2.0)), rtol=1e-6)


@pytest.mark.parametrize("exponent", [1.0, 3.0])
def test_one_that_trains_a_logarithm_starts_without_bessels_correction(exponent):
    x, _ = batch()
    (y, log_det), variables = start(ActNorm(3, exponent=exponent), x, method="forward")
    deviation = np.sqrt(((x - x.mean((0, 1, 2))) ** 2).mean((0, 1, 2)))
    np.testing.assert_allclose(y.std((0, 1, 2)), 1, atol=1e-4)
    params = variables["params"]
    np.testing.assert_allclose(params["shift"], -x.mean((0, 1, 2)), rtol=1e-4)
    logarithm = -np.log(deviation + 1e-6)
    np.testing.assert_allclose(params["log_scale"], logarithm / exponent, rtol=1e-4)
    np.testing.assert_allclose(log_det, np.full(2, 5 * 6 * logarithm.sum()), rtol=1e-4)
