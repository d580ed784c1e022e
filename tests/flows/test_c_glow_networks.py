"""C-Glow's networks against loops in NumPy, channels first as in the original."""

import numpy as np

from fullglow_jax.flows.conditioners.free_top import FreeTopParameters
from fullglow_jax.flows.conditioners.resize_net import Resize, ResizeNet
from fullglow_jax.flows.conditioners.strided_vector_net import (
    StridedVector,
    live_start,
    live_zero_start,
    random_start,
    silent_start,
)
from fullglow_jax.flows.conditioners.tanh_coupling_net import TanhCouplingNet
from fullglow_jax.flows.conditioners.tanh_prior_net import TanhPriorNet
from fullglow_jax.layers.precision import Compute
from tests.flows.test_networks import (
    TOLERANCE,
    assert_uniform,
    channels_first,
    conv_1x1,
    conv_3x3,
    image,
    relu,
    shapes,
)
from tests.layers.variables import random_variables, run, start


def strided_conv(x, layer):
    """(B, C, H, W) by a kernel (k, k, C_in, C_out), k pixels on at a time."""
    kernel = layer["kernel"]
    size = len(kernel)
    batch, _, height, width = x.shape
    y = np.zeros((batch, kernel.shape[-1], height // size, width // size))
    for row, column in np.ndindex(y.shape[2:]):
        window = x[:, :, row * size : (row + 1) * size, column * size : (column + 1) * size]
        y[:, :, row, column] = np.einsum("bcij,ijco->bo", window, kernel)
    return y + layer["bias"][:, None, None]


def scaled(h, factor):
    return h * np.exp(factor)[:, None, None]


# --- Strided vector net ---------------------------------------------------------------------------


def rotation(key, shape):
    """What a bijection starts from."""
    del key
    return np.float32([0.6, -0.8, 0.8, 0.6, 0.0, 1.0, 0.5]).reshape(shape)


def vector_net(begin):
    return StridedVector(4, 5, begin, Compute()).build(7, rotation)


def test_strided_vector_net_equals_the_loops_and_flattens_channel_major():
    x, net = image(2, 8, 16, 3), StridedVector(8, 9, live_start, Compute()).build(7, rotation)
    variables = random_variables(net, x, seed=2)
    params, h = variables["params"], channels_first(x)
    for layer in ("conv_0", "conv_1", "conv_2"):
        h = relu(strided_conv(h, params[layer]))
    assert (h.any(axis=(0, 2, 3))).sum() > 1  # or the order of its channels would not show
    assert h.shape == (2, 8, 1, 2)
    h = h.reshape(len(x), -1)
    for layer in ("dense_0", "dense_1"):
        h = relu(h @ params[layer]["kernel"] + params[layer]["bias"])
    expected = np.tanh(h @ params["output"]["kernel"] + params["output"]["bias"])
    assert np.abs(expected[0] - expected[1]).min() > 1e-3
    np.testing.assert_allclose(run(net, variables, x), expected, **TOLERANCE)


def test_a_live_vector_net_starts_with_layers_that_learn_and_values_that_are_given():
    x = image(3, 16, 8, 20)
    given, variables = start(vector_net(live_start), x)
    params = variables["params"]
    for layer, fan_in in (("conv_0", 80), ("conv_1", 16), ("dense_0", 8), ("dense_1", 5)):
        for array in params[layer].values():
            assert array.any()
            assert_uniform(array, fan_in)
    np.testing.assert_allclose(given, np.tile(0.9 * rotation(None, 7), (3, 1)), rtol=1e-5)
    assert not start(vector_net(live_zero_start), x)[0].any()


def test_as_published_a_vector_net_starts_at_zeros():
    x = image(3, 16, 8, 20)
    for begin, values in ((silent_start, 0.0), (random_start, 0.1)):
        output, variables = start(vector_net(begin), x)
        params = variables["params"]
        for layer in ("conv_0", "conv_1", "conv_2"):
            assert not params[layer]["kernel"].any()
            assert params[layer]["bias"].any()
        assert not any(
            params[f"dense_{i}"][part].any() for i in (0, 1) for part in params["output"]
        )
        for array in params["output"].values():
            np.testing.assert_allclose(array.std(), values, rtol=0.6)
        expected = np.tile(np.tanh(params["output"]["bias"]), (3, 1))
        np.testing.assert_allclose(output, expected, rtol=1e-5)


# --- Resize net -----------------------------------------------------------------------------------


def test_resize_net_equals_the_loops():
    x, net = image(2, 8, 12, 3), ResizeNet(5, 4)
    variables = random_variables(net, x, seed=3)
    params = variables["params"]
    h = relu(conv_3x3(channels_first(x), params["conv_0"], pad_value=0.0))
    h = relu(strided_conv(h, params["conv_1"]))
    expected = relu(conv_3x3(h, params["conv_2"], pad_value=0.0))
    assert expected.shape == (2, 5, 2, 3)
    assert (expected > 0).any()
    np.testing.assert_allclose(channels_first(run(net, variables, x)), expected, **TOLERANCE)


def test_resize_net_sizes_and_start():
    params = start(Resize(2, None, Compute()).build(12, None), image(1, 4, 4, 3))[1]["params"]
    assert shapes(params) == {
        **{"conv_0/kernel": (3, 3, 3, 16), "conv_0/bias": (16,)},
        **{"conv_1/kernel": (2, 2, 16, 6), "conv_1/bias": (6,)},
        **{"conv_2/kernel": (3, 3, 6, 6), "conv_2/bias": (6,)},
    }
    assert_uniform(params["conv_1"]["kernel"], 64)
    for layer in ("conv_0", "conv_2"):
        np.testing.assert_allclose(params[layer]["kernel"].std(), 0.1, rtol=0.15)


# --- Coupling net, priors -------------------------------------------------------------------------


def test_tanh_coupling_net_equals_the_loops():
    x, net = image(2, 4, 5, 3), TanhCouplingNet(4, width=6)
    variables = random_variables(net, x, seed=4)
    params = variables["params"]
    h = conv_3x3(channels_first(x), params["conv_0"], pad_value=0.0)
    h = conv_1x1(relu(scaled(h, params["scale_0"])), params["conv_1"])
    h = conv_3x3(relu(scaled(h, params["scale_1"])), params["output"], pad_value=0.0)
    h = h + params["output_shift"][:, None, None]
    expected = np.tanh(scaled(h, 3 * params["output_scale"]))
    np.testing.assert_allclose(channels_first(run(net, variables, x)), expected, **TOLERANCE)


def test_tanh_coupling_net_starts_at_zero_with_scales_near_one():
    y, variables = start(TanhCouplingNet(4, width=64), image(1, 4, 5, 3))
    assert not y.any()
    params = variables["params"]
    for layer in ("conv_0", "conv_1"):
        for array in params[layer].values():
            np.testing.assert_allclose(array.std(), 0.05, rtol=0.3)
    for i in (0, 1):
        np.testing.assert_allclose(params[f"scale_{i}"].std(), 0.05, rtol=0.3)


def test_tanh_prior_net_equals_the_loops():
    x, net = image(2, 4, 5, 3), TanhPriorNet(4)
    variables = random_variables(net, x, seed=5)
    expected = np.tanh(conv_3x3(channels_first(x), variables["params"]["conv"], pad_value=0.0))
    np.testing.assert_allclose(channels_first(run(net, variables, x)), expected, **TOLERANCE)


def test_a_free_top_has_a_mean_and_a_deviation_for_every_value_and_counts_if_learned():
    nothing = np.zeros((3, 2, 4, 0), np.float32)
    variables = random_variables(FreeTopParameters(6, learned=True), nothing)
    mean, log_std = (variables["params"][name] for name in ("mean", "log_std"))
    assert mean.shape == log_std.shape == (2, 4, 3)
    expected = np.tile(np.concatenate([mean, log_std], -1), (3, 1, 1, 1))
    np.testing.assert_array_equal(run(FreeTopParameters(6, True), variables, nothing), expected)
    assert not run(FreeTopParameters(6, False), variables, nothing).any()
