import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fullglow_jax.networks import CouplingNet, SpatialNet
from tests.bijections.cases import COUPLING, COUPLING_CONDITIONAL
from tests.networks.variables import quick_key

SHAPE = (2, 5, 6, 4)

both = pytest.mark.parametrize("case", [COUPLING, COUPLING_CONDITIONAL], ids=str)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@both
def test_starts_with_scale_sigmoid_of_two_and_no_shift(case):
    x, condition = case.inputs(SHAPE, 0, np.float32)
    module = case.module(4)
    init = jax.jit(lambda *inputs: module.init_with_output(*inputs, method="forward"))
    (y, log_det), _ = init(quick_key(), x, condition)
    np.testing.assert_array_equal(y[..., :2], x[..., :2])
    np.testing.assert_allclose(y[..., 2:], x[..., 2:] * sigmoid(2.0), rtol=1e-6)
    np.testing.assert_allclose(log_det, 5 * 6 * 2 * np.log(sigmoid(2.0)) * np.ones(2), rtol=1e-5)


@both
def test_the_first_half_and_the_features_move_the_second_half(case):
    x, condition = case.inputs(SHAPE, 0, np.float32)
    variables = case.variables(SHAPE, 1, np.float32)
    params = variables["params"]
    y, log_det = case.module(4).apply(variables, x, condition, method="forward")

    a, b = x[..., :2], x[..., 2:]
    seen = a
    if case.conditional:
        features = SpatialNet(4, 4).apply({"params": params["spatial_net"]}, condition)
        seen = jnp.concatenate([a, features], axis=-1)
    raw = np.asarray(CouplingNet(4, 8).apply({"params": params["net"]}, seen))
    scale, shift = sigmoid(raw[..., :2] + 2), raw[..., 2:]
    np.testing.assert_array_equal(y[..., :2], a)
    np.testing.assert_allclose(y[..., 2:], (b + shift) * scale, atol=1e-5)
    np.testing.assert_allclose(log_det, np.log(scale).sum((1, 2, 3)), rtol=1e-4)
    assert np.abs(shift).min() < np.abs(shift).max()


def test_widths_reach_the_networks():
    inputs = COUPLING_CONDITIONAL.inputs(SHAPE, 0, np.float32)
    params = jax.eval_shape(COUPLING_CONDITIONAL.module(4).init, quick_key(), *inputs)["params"]
    assert params["net"]["conv_0"]["kernel"].shape == (3, 3, 2 + 4, 8)
    assert params["net"]["output"]["conv"]["kernel"].shape == (3, 3, 8, 4)
    assert params["spatial_net"]["conv_0"]["kernel"].shape == (3, 3, 3, 4)
