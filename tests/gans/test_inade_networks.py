"""The generator of INADE and its encoder."""

import jax
import numpy as np
import pytest

from fullglow_jax.gans.generators.inade import Inade
from fullglow_jax.gans.generators.instance_encoder import InstanceEncoder, StyleDistribution
from fullglow_jax.gans.generators.modulated import DEPTHS, ModulatedGenerator
from fullglow_jax.gans.noise import StyleNoise
from fullglow_jax.gans.scene import Scene
from fullglow_jax.layers.norms import OF_BATCH
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
    assert np.abs(image).max() < 1
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
    np.testing.assert_allclose(drawn, whole, atol=1e-5)
    np.testing.assert_allclose(terms["kl"], shared.styles.divergence(), rtol=1e-5)
    # Styles as drawn, of the same network without a photo.
    plain = shared._replace(styles=StyleDistribution(*(np.zeros_like(x) for x in shared.styles)))
    without = run(NETWORK, variables, SCENE._replace(photo=None), NOISE)
    np.testing.assert_allclose(
        run(NETWORK, variables, plain, NOISE, method="drawn"), without, atol=1e-5
    )
    assert np.abs(without - whole).max() > 1e-3


def test_an_instance_has_the_style_of_its_own_pixels(variables):
    styles = run(NETWORK, variables, SCENE, method="styles")
    photo = PHOTO.copy()
    # Convolutions do not cross the border of an instance, but norms of the whole image do.
    photo[0, :, 50:] = photo[0, :, 50:][::-1]
    other = run(NETWORK, variables, SCENE._replace(photo=photo), method="styles")
    changes = [np.abs(a - b).max((0, 2, 3)) for a, b in zip(styles, other, strict=True)]
    for change in changes:
        assert change[2] > 10 * change[:2].max()


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


def test_running_statistics_and_spectral_vectors_move_in_training(variables):
    _, moved = run(
        NETWORK, variables, SCENE, NOISE, statistics=OF_BATCH, mutable=("statistics", "spectral")
    )
    before = {name: variables[name] for name in moved}
    same = jax.tree.map(lambda a, b: np.array_equal(a, b), moved, before)
    assert not any(jax.tree.leaves(same))


@pytest.mark.parametrize(
    ("depth", "blocks"),
    [("normal", (16, 16, 16, 8, 4, 2, 1)), ("most", (16, 16, 16, 8, 4, 2, 1, 0.5))],
)
def test_depths_double_as_often_as_they_say(depth, blocks):
    size = tuple(n * 2 ** DEPTHS[depth] for n in (1, 2))
    network = ModulatedGenerator(3, size, width=2, depth=depth)
    assert [block.features / 2 for block in network.blocks] == list(blocks)
    ids = jax.ShapeDtypeStruct((1, *size), np.int32)
    noise = StyleNoise(
        jax.ShapeDtypeStruct((1, 5), np.float32), jax.ShapeDtypeStruct((1, 4, 2, 2), np.float32)
    )
    image, _ = jax.eval_shape(network.init_with_output, jax.random.key(0), ids, ids, noise)
    assert image.shape == (1, *size, 3)
    assert sum(block.doubles for block in network.blocks) == DEPTHS[depth]
