import numpy as np
import pytest

from fullglow_jax.flows.conditioners.coupling_net import CouplingNet
from fullglow_jax.flows.conditioners.spatial_net import SpatialNet
from tests.bijections.cases import COUPLING, COUPLING_CONDITIONAL, variable_shapes
from tests.layers.variables import run, start

SHAPE = (2, 5, 6, 4)

both = pytest.mark.parametrize("case", [COUPLING, COUPLING_CONDITIONAL], ids=str)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@both
def test_starts_with_scale_sigmoid_of_two_and_no_shift(case):
    x, condition = case.inputs(SHAPE, 0, np.float32)
    (y, log_det), _ = start(case.module(4), x, condition, method="forward")
    np.testing.assert_array_equal(y[..., :2], x[..., :2])
    np.testing.assert_allclose(y[..., 2:], x[..., 2:] * sigmoid(2.0), rtol=1e-6)
    np.testing.assert_allclose(log_det, 5 * 6 * 2 * np.log(sigmoid(2.0)) * np.ones(2), rtol=1e-5)


@both
def test_the_first_half_and_the_features_move_the_second_half(case):
    x, condition = case.inputs(SHAPE, 0, np.float32)
    variables = case.variables(SHAPE, 1, np.float32)
    params = variables["params"]
    y, log_det = run(case.module(4), variables, x, condition, method="forward")

    a, b = x[..., :2], x[..., 2:]
    seen = a
    if case.conditional:
        features = run(SpatialNet(4, 4), {"params": params["spatial_net"]}, condition)
        seen = np.concatenate([a, features], axis=-1)
    raw = run(CouplingNet(4, 8), {"params": params["net"]}, seen)
    scale, shift = sigmoid(raw[..., :2] + 2), raw[..., 2:]
    np.testing.assert_array_equal(y[..., :2], a)
    np.testing.assert_allclose(y[..., 2:], (b + shift) * scale, atol=1e-5)
    np.testing.assert_allclose(log_det, np.log(scale).sum((1, 2, 3)), rtol=1e-4)
    assert np.abs(shift).min() < np.abs(shift).max()


def test_widths_reach_the_networks():
    params = variable_shapes(COUPLING_CONDITIONAL, SHAPE)["params"]
    assert params["net"]["conv_0"]["kernel"].shape == (3, 3, 2 + 4, 8)
    assert params["net"]["output"]["conv"]["kernel"].shape == (3, 3, 8, 4)
    assert params["spatial_net"]["conv_0"]["kernel"].shape == (3, 3, 3, 4)
