"""The networks against loops in NumPy, channels first as in the original."""

import jax
import jax.numpy as jnp
import numpy as np

from fullglow_jax.flows.conditioners.coupling_net import CouplingNet
from fullglow_jax.flows.conditioners.edge_coupling_net import EdgeCouplingNet
from fullglow_jax.flows.conditioners.label_net import LabelNet
from fullglow_jax.flows.conditioners.source_latent_net import SourceLatentNet
from fullglow_jax.flows.conditioners.spatial_net import SpatialNet
from fullglow_jax.flows.conditioners.vector_net import VectorNet
from fullglow_jax.layers.zero_conv import ZeroConv
from tests.layers.variables import quick_key, random_variables, run, start

TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}


def image(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def relu(x):
    return np.maximum(x, 0)


def conv_1x1(x, layer):
    """(B, C, H, W) by a kernel (C_in, C_out)."""
    bias = layer["bias"][:, None, None]
    return np.einsum("bchw,co->bohw", x, layer["kernel"]) + bias


def conv_3x3(x, layer, pad_value=None):
    """(B, C, H, W) by a kernel (3, 3, C_in, C_out), padded by one pixel of a value if given."""
    kernel = layer["kernel"]
    if pad_value is not None:
        edge = (1, 1)
        x = np.pad(x, ((0, 0), (0, 0), edge, edge), constant_values=pad_value)
    batch, _, height, width = x.shape
    y = np.zeros((batch, kernel.shape[-1], height - 2, width - 2))
    for row in range(height - 2):
        for column in range(width - 2):
            window = x[:, :, row : row + 3, column : column + 3]
            y[:, :, row, column] = np.einsum("bcij,ijco->bo", window, kernel)
    return y + layer["bias"][:, None, None]


def channels_first(x):
    return np.moveaxis(x, -1, 1)


def shapes(params):
    return {
        "/".join(key.key for key in path): leaf.shape
        for path, leaf in jax.tree_util.tree_leaves_with_path(params)
    }


def fan_in(params, layer):
    return params[layer]["kernel"][..., 0].size


def assert_uniform(array, fan_in):
    """Within ±1/√fan_in, and (where there are values enough to tell) all the way to it."""
    bound = fan_in**-0.5
    assert np.abs(array).max() <= bound
    if array.size >= 100:
        assert np.abs(array).max() > 0.9 * bound
        assert abs(array.mean()) < 0.2 * bound
        np.testing.assert_allclose(array.std(), bound / 3**0.5, rtol=0.15)


# --- Zero-conv ------------------------------------------------------------------------------------


def test_zero_conv_starts_at_zero():
    y, variables = start(ZeroConv(2, 3), image(1, 4, 4, 2))
    assert not y.any()
    assert all(not leaf.any() for leaf in jax.tree.leaves(variables))
    assert shapes(variables["params"]) == {
        "conv/bias": (3,),
        "conv/kernel": (3, 3, 2, 3),
        "scale": (3,),
    }


def test_zero_conv_pads_with_ones():
    params = {
        "conv": {"kernel": np.ones((3, 3, 1, 1)), "bias": np.zeros(1)},
        "scale": np.zeros(1),
    }
    y = run(ZeroConv(1, 1), {"params": params}, np.zeros((1, 3, 4, 1)))
    # Each output counts the padding that its window covers.
    np.testing.assert_array_equal(y[0, :, :, 0], [[5, 3, 3, 5], [3, 0, 0, 3], [5, 3, 3, 5]])


def test_zero_conv_multiplies_bias_and_all_by_e_to_the_three_scale():
    params = {
        "conv": {"kernel": np.ones((3, 3, 1, 2)), "bias": np.array([1.0, -1.0])},
        "scale": np.array([0.5, -1.0]),
    }
    y = run(ZeroConv(1, 2), {"params": params}, np.full((1, 3, 3, 1), 2.0))
    np.testing.assert_allclose(y[0, 1, 1], [19 * np.exp(1.5), 17 * np.exp(-3.0)], rtol=1e-6)


def test_zero_conv_equals_the_loops():
    x = image(2, 4, 5, 3)
    variables = random_variables(ZeroConv(3, 4), x, seed=1)
    params = variables["params"]
    expected = conv_3x3(channels_first(x), params["conv"], pad_value=1.0)
    expected = expected * np.exp(3 * params["scale"])[:, None, None]
    y = run(ZeroConv(3, 4), variables, x)
    np.testing.assert_allclose(channels_first(y), expected, **TOLERANCE)


# --- Vector net -----------------------------------------------------------------------------------


def vector_net():
    return VectorNet(7, lambda *_: jnp.arange(7.0))


def test_vector_net_sizes_and_start():
    x = image(3, 6, 9, 30)
    y, variables = start(vector_net(), x)
    params = variables["params"]
    flat = 2 * (6 - 4) * (9 - 4)
    assert shapes(params) == {
        **{"conv_0/kernel": (30, 8), "conv_0/bias": (8,)},
        **{"conv_1/kernel": (3, 3, 8, 4), "conv_1/bias": (4,)},
        **{"conv_2/kernel": (3, 3, 4, 2), "conv_2/bias": (2,)},
        **{"dense_0/kernel": (flat, 32), "dense_0/bias": (32,)},
        **{"dense_1/kernel": (32, 64), "dense_1/bias": (64,)},
        **{"dense_2/kernel": (64, 48), "dense_2/bias": (48,)},
        **{"output/kernel": (48, 7), "output/bias": (7,)},
    }
    for layer in params.keys() - {"output"}:
        for array in params[layer].values():
            assert array.any()
            assert_uniform(array, fan_in(params, layer))
    # The weights of the output start at zero: every example gets its bias.
    assert not params["output"]["kernel"].any()
    np.testing.assert_array_equal(y, np.tile(np.arange(7.0), (3, 1)))


def test_vector_net_takes_five_pixels():
    y, _ = jax.eval_shape(vector_net().init_with_output, quick_key(), image(3, 5, 5, 2))
    assert y.shape == (3, 7)


def test_vector_net_equals_the_loops_and_flattens_channel_major():
    x = image(2, 7, 6, 3)
    variables = random_variables(vector_net(), x, seed=2)
    params = variables["params"]
    h = relu(conv_1x1(channels_first(x), params["conv_0"]))
    h = relu(conv_3x3(h, params["conv_1"]))
    h = relu(conv_3x3(h, params["conv_2"]))
    assert h.any(axis=(0, 2, 3)).all()  # or the order of its channels would not show
    h = h.reshape(len(x), -1)
    for layer in ("dense_0", "dense_1", "dense_2"):
        h = relu(h @ params[layer]["kernel"] + params[layer]["bias"])
    expected = h @ params["output"]["kernel"] + params["output"]["bias"]
    np.testing.assert_allclose(run(vector_net(), variables, x), expected, **TOLERANCE)


# --- Spatial net ----------------------------------------------------------------------------------


def test_spatial_net_equals_the_loops():
    x = image(2, 4, 5, 3)
    net = SpatialNet(4, width=6)
    variables = random_variables(net, x, seed=3)
    params = variables["params"]
    h = relu(conv_3x3(channels_first(x), params["conv_0"], pad_value=0.0))
    expected = relu(conv_3x3(h, params["conv_1"], pad_value=0.0))
    assert (expected == 0).any()
    assert (expected > 0).any()
    np.testing.assert_allclose(channels_first(run(net, variables, x)), expected, **TOLERANCE)


def test_spatial_net_sizes_and_start():
    params = start(SpatialNet(12), image(1, 4, 4, 6))[1]["params"]
    assert shapes(params) == {
        "conv_0/bias": (128,),
        "conv_0/kernel": (3, 3, 6, 128),
        "conv_1/bias": (12,),
        "conv_1/kernel": (3, 3, 128, 12),
    }
    for layer in params:
        for array in params[layer].values():
            assert array.any()
            assert_uniform(array, fan_in(params, layer))


# --- Coupling net ---------------------------------------------------------------------------------


def test_coupling_net_equals_the_loops():
    x = image(2, 4, 5, 3)
    net = CouplingNet(4, width=6)
    variables = random_variables(net, x, seed=4)
    params = variables["params"]
    h = relu(conv_3x3(channels_first(x), params["conv_0"], pad_value=0.0))
    h = relu(conv_1x1(h, params["conv_1"]))
    h = conv_3x3(h, params["output"]["conv"], pad_value=1.0)
    expected = h * np.exp(3 * params["output"]["scale"])[:, None, None]
    np.testing.assert_allclose(channels_first(run(net, variables, x)), expected, **TOLERANCE)


def test_coupling_net_sizes_and_start():
    params = start(CouplingNet(4), image(1, 4, 4, 3))[1]["params"]
    assert shapes(params) == {
        "conv_0/bias": (512,),
        "conv_0/kernel": (3, 3, 3, 512),
        "conv_1/bias": (512,),
        "conv_1/kernel": (512, 512),
        "output/conv/bias": (4,),
        "output/conv/kernel": (3, 3, 512, 4),
        "output/scale": (4,),
    }
    for layer in ("conv_0", "conv_1"):
        np.testing.assert_allclose(params[layer]["kernel"].std(), 0.05, rtol=0.05)
        assert not params[layer]["bias"].any()


def test_coupling_net_reads_the_condition_after_the_image():
    x, condition = image(2, 4, 5, 3), image(2, 4, 5, 2, seed=1)
    net = CouplingNet(4, width=6)
    variables = random_variables(net, x, condition, seed=5)
    joined = np.concatenate([x, condition], axis=-1)
    expected = run(net, variables, joined)
    np.testing.assert_allclose(run(net, variables, x, condition), expected, **TOLERANCE)


def test_coupling_net_takes_a_condition_for_several_images_in_a_row():
    x, conditions = image(6, 4, 5, 3), image(2, 4, 5, 2, seed=1)
    net = CouplingNet(4, width=6)
    variables = random_variables(net, x, conditions, seed=5)
    y = run(net, variables, x, conditions)
    repeated = run(net, variables, x, np.repeat(conditions, 3, axis=0))
    np.testing.assert_allclose(y, repeated, **TOLERANCE)
    in_turn = run(net, variables, x, np.tile(conditions, (3, 1, 1, 1)))
    assert np.abs(y - in_turn).max() > 0.1


# --- Edge coupling net ----------------------------------------------------------------------------


def edge_conv(x, kernel):
    """(B, C, H, W) by a kernel (3, 3, 1 + C, C_out), whose first channel is 1 around the image."""
    inside = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    frame = np.pad(np.zeros_like(x[:, :1]), ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=1)
    layer = {"kernel": kernel, "bias": np.zeros(kernel.shape[-1])}
    return conv_3x3(np.concatenate([frame, inside], axis=1), layer)


def normalised(h, actnorm):
    shift, log_scale = (actnorm[name][:, None, None] for name in ("shift", "log_scale"))
    return (h + shift) * np.exp(3 * log_scale)


def test_edge_coupling_net_equals_the_loops():
    x, net = image(2, 4, 5, 3), EdgeCouplingNet(4, width=6)
    variables = random_variables(net, x, seed=4, size=0.2)
    params = variables["params"]
    h = relu(normalised(edge_conv(channels_first(x), params["kernel_0"]), params["actnorm_0"]))
    flat = {"kernel": params["kernel_1"], "bias": np.zeros(6)}
    h = relu(normalised(conv_1x1(h, flat), params["actnorm_1"]))
    output = params["output"]
    expected = edge_conv(h, output["conv"]["kernel"]) + output["conv"]["bias"][:, None, None]
    expected = expected * np.exp(3 * output["scale"])[:, None, None]
    np.testing.assert_allclose(channels_first(run(net, variables, x)), expected, **TOLERANCE)


def test_edge_coupling_net_starts_normalised():
    x, net = image(2, 6, 7, 3), EdgeCouplingNet(4, width=5)
    y, variables = start(net, x)
    params = variables["params"]
    assert not y.any()
    h = edge_conv(channels_first(x), params["kernel_0"])
    for i, kernel in enumerate((None, params["kernel_1"])):
        if kernel is not None:
            h = conv_1x1(relu(h), {"kernel": kernel, "bias": np.zeros(5)})
        h = normalised(h, params[f"actnorm_{i}"])
        np.testing.assert_allclose(h.mean((0, 2, 3)), 0, atol=1e-4)
        np.testing.assert_allclose(h.std((0, 2, 3)), 1, atol=1e-3)


# --- Shifts of priors -----------------------------------------------------------------------------


def test_source_latent_net_equals_the_loops():
    x, net = image(2, 4, 3, 2), SourceLatentNet(3)
    variables = random_variables(net, x, seed=6)
    kernel = variables["params"]["kernel"]
    padded = np.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0)))
    expected = np.zeros((2, 4, 3, 3))
    for row, column in np.ndindex(4, 3):
        window = padded[:, row : row + 5, column : column + 5]
        expected[:, row, column] = np.einsum("bijc,ijco->bo", window, kernel)
    expected = np.where(expected < 0, 0.2 * expected, expected)
    np.testing.assert_allclose(run(net, variables, x), expected, **TOLERANCE)
    first = start(net, x)[1]["params"]["kernel"]
    assert -0.05 <= first.min() < -0.04
    assert 0.04 < first.max() <= 0.05


def test_label_net_equals_the_products():
    labels, net = np.eye(3, dtype=np.float32)[[2, 0]], LabelNet(4)
    variables = random_variables(net, labels, seed=7)
    params = variables["params"]
    of_label = params["dense"]["kernel"][[2, 0]] + params["dense"]["bias"]
    expected = (of_label * np.exp(3 * params["scale"])).reshape(2, 1, 1, 4)
    np.testing.assert_allclose(run(net, variables, labels), expected, **TOLERANCE)


def test_outputs_known_at_the_start_are_what_would_be_computed():
    x = image(2, 6, 7, 3)
    for module in (
        ZeroConv(3, 4),
        CouplingNet(4, width=8),
        EdgeCouplingNet(4, width=8),
        VectorNet(4, lambda *_: jnp.arange(4.0)),
    ):
        while_starting, variables = start(module, x)
        np.testing.assert_array_equal(while_starting, run(module, variables, x))
