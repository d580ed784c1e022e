"""The generator of INADE and its encoder."""

import jax
import numpy as np
import pytest

from fullglow_jax.gans.generators.inade import Inade
from fullglow_jax.gans.generators.instance_encoder import InstanceEncoder, StyleDistribution
from fullglow_jax.gans.generators.modulated import DEPTHS, ModulatedGenerator
from fullglow_jax.gans.noise import StyleNoise
from fullglow_jax.gans.scene import Scene
from tests.layers.variables import random_variables, run

RNG = np.random.default_rng(0)
SIZE = (32, 64)
NETWORK = Inade(ModulatedGenerator(3, SIZE, width=2), InstanceEncoder(style=2, width=2))
COLUMNS = np.broadcast_to(np.arange(64), (2, *SIZE))
PHOTO = RNG.uniform(-1, 1, (2, *SIZE, 3)).astype(np.float32)
SCENE = Scene(
    (COLUMNS > 40).astype(np.int32),
    (COLUMNS > 20).astype(np.int32) + (COLUMNS > 40),
    np.broadcast_to(np.arange(4, dtype=np.int32), (2, 4)),
    PHOTO,
)
NOISE = StyleNoise(
    RNG.standard_normal((2, 5), np.float32), RNG.standard_normal((2, 4, 2, 2), np.float32)
)


@pytest.fixture(scope="module")
def variables():
    found = random_variables(NETWORK, SCENE, NOISE)
    spectral = jax.tree.map(lambda x: np.full_like(x, len(x) ** -0.5), found["spectral"])
    return {**found, "spectral": spectral}


def test_styles_of_instances_that_are_not_there_change_nothing(variables):
    image, terms = run(NETWORK, variables, SCENE, NOISE, method="with_terms")
    assert image.shape == (2, *SIZE, 3)
    assert np.abs(image).max() <= 1
    instances = NOISE.instances.copy()
    instances[:, 3] = 9
    other, _ = run(
        NETWORK, variables, SCENE, NOISE._replace(instances=instances), method="with_terms"
    )
    np.testing.assert_array_equal(other, image)
    # Those of one that is there change it.
    instances[:, 1] += 1
    other, _ = run(
        NETWORK, variables, SCENE, NOISE._replace(instances=instances), method="with_terms"
    )
    assert np.abs(other - image)[:, :, 21:41].mean() > 1e-3
    assert terms["kl"].shape == (2,)


def test_what_is_shared_has_the_photos_styles_and_no_photo(variables):
    shared = run(NETWORK, variables, SCENE, method="shared")
    assert shared.scene.photo is None
    assert shared.styles.mean.shape == (2, 4, 2, 2)
    for statistic in shared.styles:
        assert np.abs(statistic[:, :3]).min() > 0
        assert (statistic[:, 3] == 0).all()
    drawn = run(NETWORK, variables, shared, NOISE, method="drawn")
    whole, terms = run(NETWORK, variables, SCENE, NOISE, method="with_terms")
    np.testing.assert_allclose(drawn, whole, atol=1e-4)
    np.testing.assert_allclose(terms["kl"], shared.styles.divergence(), rtol=1e-5)
    # Styles as drawn, of the same network without a photo.
    plain = shared._replace(styles=StyleDistribution(*(np.zeros_like(x) for x in shared.styles)))
    without = run(NETWORK, variables, SCENE._replace(photo=None), NOISE)
    np.testing.assert_allclose(
        run(NETWORK, variables, plain, NOISE, method="drawn"), without, atol=1e-4
    )
    assert np.abs(without - whole).max() > 1e-3


def test_the_divergence_is_that_of_normal_distributions():
    mean, log_variance = RNG.standard_normal((2, 2, 3, 2, 4), np.float32)
    found = StyleDistribution(mean, log_variance)
    expected = -0.5 * (1 + log_variance - mean**2 - np.exp(log_variance)).sum((1, 2, 3))
    np.testing.assert_allclose(found.divergence(), expected, rtol=1e-5)
    zeros = np.zeros_like(mean)
    np.testing.assert_array_equal(StyleDistribution(zeros, zeros).divergence(), 0)
    noise = RNG.standard_normal(mean.shape, np.float32)
    np.testing.assert_allclose(
        found.remapped(noise), mean + np.exp(log_variance / 2) * noise, rtol=1e-5
    )


def test_the_deepest_doubles_seven_times_and_ends_with_half_a_width():
    network = ModulatedGenerator(3, (128, 256), width=2, depth="most")
    assert [block.features for block in network.blocks] == [32, 32, 32, 16, 8, 4, 2, 1]
    ids = jax.ShapeDtypeStruct((1, 128, 256), np.int32)
    noise = StyleNoise(
        jax.ShapeDtypeStruct((1, 5), np.float32), jax.ShapeDtypeStruct((1, 4, 2, 2), np.float32)
    )
    image, _ = jax.eval_shape(network.init_with_output, jax.random.key(0), ids, ids, noise)
    assert image.shape == (1, 128, 256, 3)


@pytest.mark.parametrize("depth", DEPTHS)
def test_depths_double_as_often_as_they_say(depth):
    blocks = ModulatedGenerator(3, (128, 128), depth=depth).blocks
    assert sum(block.doubles for block in blocks) == DEPTHS[depth]
