"""PSPNet against semseg's own values, and what holds for any PSPNet."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fullglow_jax.errors import UserError
from fullglow_jax.interop.semseg_names import from_semseg
from fullglow_jax.segmentation import PSPNet, PSPNetArchitecture
from fullglow_jax.segmentation.conv_norm import ConvNorm
from fullglow_jax.segmentation.head import Head
from fullglow_jax.segmentation.normalization import Normalization, group_normalise, groups_of
from fullglow_jax.segmentation.pspnet import abstract_variables
from fullglow_jax.segmentation.pyramid import cell_matrix
from tests.segmentation.recorded import Recorded

SMALL = PSPNetArchitecture(
    blocks=(1, 1, 2, 1), width=4, classes=4, bins=(1, 2), norm="group", dropout=0.5
)


@pytest.fixture(scope="module")
def recorded():
    return Recorded()


@pytest.fixture(scope="module", autouse=True)
def _quick_compilation():
    """The networks are tiny: most of the time goes into compiling them."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture(scope="module")
def small():
    """A network that normalises by groups, and variables of about their size at the start."""
    rng = np.random.default_rng(3)

    def value(path, leaf):
        if len(leaf.shape) > 1:
            return rng.standard_normal(leaf.shape, np.float32) * math.prod(leaf.shape[:-1]) ** -0.5
        return rng.normal(path[-1].key == "scale", 0.1, leaf.shape).astype(np.float32)

    variables = jax.tree_util.tree_map_with_path(value, abstract_variables(SMALL))
    assert variables.keys() == {"params"}
    return PSPNet(SMALL), variables


def images_of(count, height=17, width=25, seed=0):
    return np.random.default_rng(seed).standard_normal((count, height, width, 3), np.float32)


# ---- semseg's values ----------------------------------------------------------------------------


@pytest.mark.parametrize("place", [0, 1])
def test_logits_are_those_of_semseg(recorded, place):
    size = recorded.sizes[place]
    network = PSPNet(recorded.architecture)
    variables = from_semseg(recorded.state, recorded.architecture)
    x = recorded.image("x", size)
    logits, auxiliary = jax.jit(lambda v, x: network.apply(v, x, method="with_auxiliary"))(
        variables, x
    )
    for ours, name in ((logits, "logits"), (auxiliary, "aux")):
        theirs = recorded.image(name, size)
        assert ours.shape == theirs.shape
        assert theirs.std() > 0.5
        assert np.abs(np.asarray(ours) - theirs).max() <= 1e-4


def test_every_recorded_tensor_has_its_place(recorded):
    ours = from_semseg(recorded.state, recorded.architecture)
    assert jax.tree.map(np.shape, ours) == jax.tree.map(
        lambda leaf: leaf.shape, abstract_variables(recorded.architecture)
    )
    assert len(jax.tree.leaves(ours)) == len(recorded.state)


# Counted with semseg's code: all of `parameters()`, those without `aux.`, and running statistics.
@pytest.mark.parametrize(
    ("blocks", "parameters", "without_auxiliary", "statistics"),
    [
        ((3, 4, 6, 3), 49_080_038, 46_715_347, 59_136),
        ((3, 4, 23, 3), 68_072_166, 65_707_475, 111_360),
    ],
)
def test_parameters_are_as_many_as_semsegs(blocks, parameters, without_auxiliary, statistics):
    def count(tree):
        return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(tree))

    architecture = PSPNetArchitecture(blocks=blocks)
    whole = abstract_variables(architecture)
    assert count(whole["params"]) == parameters
    assert count(whole["constants"]) == statistics
    without = {name: part for name, part in whole["params"].items() if name != "auxiliary"}
    assert count(without) == without_auxiliary


# ---- any network --------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(1, 1), (24, 31)])
def test_images_of_any_size_are_taken(small, size):
    network, variables = small
    apply = jax.jit(network.apply, static_argnames="method")
    x = images_of(1, *size)
    logits = apply(variables, x)
    features = apply(variables, x, method="features")
    assert logits.shape == (1, *size, 4)
    assert features.shape == (1, -(-size[0] // 8), -(-size[1] // 8), 32)
    assert np.isfinite(logits).all()


def test_the_features_are_what_the_classifier_reads(small):
    network, variables = small
    x = images_of(2)
    apply = jax.jit(network.apply, static_argnames="method")
    features = apply(variables, x, method="features")
    classifier = variables["params"]["head"]["classifier"]
    logits = np.asarray(features @ classifier["kernel"] + classifier["bias"])
    # The features lie at every eighth pixel.
    whole = np.asarray(apply(variables, x))
    np.testing.assert_allclose(whole[:, ::8, ::8], logits, atol=1e-5)


def test_an_examples_logits_do_not_depend_on_the_others(small):
    network, variables = small
    apply = jax.jit(lambda x: network.apply(variables, x, method="with_auxiliary"))
    x = images_of(3)
    others = np.concatenate([x[:1], 100 * images_of(2, seed=1)])
    for ours, beside_others, alone in zip(apply(x), apply(others), apply(x[:1]), strict=True):
        np.testing.assert_array_equal(ours[0], beside_others[0])
        np.testing.assert_allclose(ours[:1], alone, atol=1e-5)
        assert np.abs(ours[1] - beside_others[1]).max() > 0.01


def test_gradients_reach_every_parameter(small):
    network, variables = small

    @jax.jit
    @jax.grad
    def gradient(params, x):
        both = network.apply({"params": params}, x, method="with_auxiliary")
        return sum((each**3).sum() for each in both)

    for path, leaf in jax.tree_util.tree_leaves_with_path(
        gradient(variables["params"], images_of(2))
    ):
        assert np.isfinite(leaf).all(), path
        assert np.any(leaf), path


def test_dropout_is_of_whole_channels_and_in_training_alone():
    head = Head(inputs=3, width=64, classes=64, norm="group", dropout=0.25)
    x = images_of(2, 5, 4)
    params = head.init(jax.random.key(0), x)["params"]
    # The classifier puts out what it reads.
    params["classifier"] = {"kernel": np.eye(64), "bias": np.zeros(64)}

    def logits(train, key=0):
        keys = {"dropout": jax.random.key(key)}
        return np.asarray(head.apply({"params": params}, x, train, rngs=keys))

    features = head.apply({"params": params}, x, method="features")
    np.testing.assert_allclose(logits(False), features, atol=1e-6)
    kept = logits(True).any((1, 2), keepdims=True)
    assert 0.6 < kept.mean() < 0.9
    np.testing.assert_allclose(logits(True), kept * features / 0.75, atol=1e-5)
    assert (logits(True, 1) != logits(True, 2)).any()


def test_stored_statistics_are_used_and_never_changed():
    layer = Normalization("batch")
    constants = {"mean": np.array([1.0, -2.0]), "variance": np.array([4.0, 0.25])}
    params = {"scale": np.array([3.0, 1.0]), "shift": np.array([0.5, 0.0])}
    x = 10 * images_of(2, 3, 4)[..., :2]
    y, after = layer.apply({"params": params, "constants": constants}, x, mutable=["constants"])
    expected = (x - constants["mean"]) / np.sqrt(constants["variance"] + 1e-5)
    np.testing.assert_allclose(y, expected * params["scale"] + params["shift"], rtol=1e-5)
    jax.tree.map(np.testing.assert_array_equal, after["constants"], constants)


def test_kernels_start_as_in_semseg():
    """N(0, 2 / (9·C_out)) in the backbone; U(±1/√(fan in)) outside."""
    kernel = ConvNorm(128, "group", 3).init(jax.random.key(0), images_of(1))["params"]["kernel"]
    assert np.std(kernel) == pytest.approx((2 / (9 * 128)) ** 0.5, rel=0.05)
    head = Head(inputs=3, width=64, classes=64, norm="group", dropout=0.1)
    params = head.init(jax.random.key(0), images_of(1))["params"]
    assert np.abs(params["convolution"]["kernel"]).max() == pytest.approx(27**-0.5, rel=0.01)
    assert np.abs(params["classifier"]["kernel"]).max() == pytest.approx(1 / 8, rel=0.01)


# ---- parts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("channels", "groups"), [(512, 32), (128, 32), (64, 16), (24, 6), (36, 9), (6, 1), (2, 1)]
)
def test_groups_are_32_or_fewer_of_4_channels_or_more(channels, groups):
    assert groups_of(channels) == groups


def test_each_group_is_normalised_on_its_own():
    x = 3 + 2 * np.random.default_rng(0).standard_normal((2, 5, 4, 8), np.float32)
    x[..., 4:] *= 10
    y = np.asarray(group_normalise(jnp.asarray(x))).reshape(2, 5, 4, 2, 4)
    np.testing.assert_allclose(y.mean((1, 2, 4)), 0, atol=1e-5)
    np.testing.assert_allclose(y.std((1, 2, 4)), 1, atol=1e-4)


@pytest.mark.parametrize(("source", "cells"), [(7, 3), (6, 6), (2, 6), (1, 3), (12, 1)])
def test_cells_cover_all_pixels(source, cells):
    matrix = cell_matrix(source, cells)
    values = np.random.default_rng(0).standard_normal(source)
    for cell in range(cells):
        begin, end = math.floor(cell * source / cells), math.ceil((cell + 1) * source / cells)
        assert matrix[cell] @ values == pytest.approx(values[begin:end].mean(), abs=1e-6)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("blocks", (3, 4, 6), "4 integers"),
        ("blocks", (3, 4, 0, 3), "4 integers"),
        ("width", 0, "width=0"),
        ("classes", 1, "classes=1"),
        ("bins", (), "bins"),
        ("bins", (1, 2, 3), "divide the backbone's 2048 channels"),
        ("norm", "layer", "not one of batch, group"),
        ("dropout", 1.0, "dropout=1.0"),
    ],
)
def test_impossible_architectures_are_refused(key, value, message):
    with pytest.raises(UserError, match=message):
        PSPNetArchitecture(**{key: value})
