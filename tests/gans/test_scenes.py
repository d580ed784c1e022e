"""Classes and instances of label maps, and the noise of instances."""

from functools import partial

import jax
import numpy as np
import pytest

from fullglow_jax.gans import noise
from fullglow_jax.gans.class_ids import PALETTES, class_ids
from fullglow_jax.gans.instances import ABSENT, edges, instances_of
from fullglow_jax.gans.scene import for_discriminator
from tests.layers.variables import quick_jit

normal_styles = partial(quick_jit, static_argnums=2)(noise.normal_styles)
KEYS = jax.random.split(jax.random.key(3), 2)
SIZES = (5, 3)


def test_colours_of_numbers_are_all_different_and_those_of_pascal_voc():
    colours = PALETTES["numbers"]
    assert len(np.unique(colours, axis=0)) == 256
    expected = [(0, 0, 0), (128, 0, 0), (0, 128, 0), (192, 128, 128), (224, 224, 192)]
    assert [tuple(colours[n]) for n in (0, 1, 2, 15, 255)] == expected


def test_a_class_is_the_first_of_its_colour():
    colours = PALETTES["cityscapes"]
    ids = np.arange(34)
    condition = colours[ids].reshape(1, 2, 17, 3)
    expected = ids.copy()
    expected[:5], expected[18] = 0, 17  # five black ones, and groups of poles
    for given in (condition, condition.astype(np.float32) / 255):
        found = class_ids(given, colours, unknown=False)
        np.testing.assert_array_equal(found.reshape(-1), expected)
        assert found.dtype == np.int32


@pytest.mark.parametrize(("unknown", "expected"), [(True, [2, 6, 6]), (False, [2, 4, 3])])
def test_another_colour_is_the_unknown_class_or_the_nearest(unknown, expected):
    colours = PALETTES["numbers"]
    condition = np.stack([colours[2], colours[4] + 3, colours[7] - np.uint8(10)])
    condition[2] = (140, 120, 0)  # 3 is (128, 128, 0)
    found = class_ids(condition.reshape(1, 1, 3, 3), colours[:6], unknown)
    assert found.tolist() == [[expected]]


def test_instances_have_places_in_the_order_of_their_ids():
    ids = np.array([[[70_000, 7], [7, 2**31 - 2]], [[-3, -3], [-3, -3]]], np.int32)
    found = instances_of(ids, 4)
    assert found.ids.tolist() == [
        [7, 70_000, 2**31 - 2, ABSENT],
        [-3, ABSENT, ABSENT, ABSENT],
    ]
    assert found.places.tolist() == [[[1, 0], [0, 2]], [[0, 0], [0, 0]]]
    np.testing.assert_array_equal(instances_of(ids[:1], 2).places[0], [[1, 0], [0, 1]])


def test_edges_are_where_any_of_four_neighbours_is_another_instance():
    ids = np.array([[[1, 1, 1, 1], [1, 1, 5, 1], [1, 1, 1, 1], [1, 1, 1, 1]]], np.int32)
    expected = np.array([[0, 0, 1, 0], [0, 1, 1, 1], [0, 0, 1, 0], [0, 0, 0, 0]])
    np.testing.assert_array_equal(edges(ids)[0], expected)
    classes = np.where(ids == 5, 2, 0)
    read = for_discriminator(classes, ids, 3)
    np.testing.assert_array_equal(read[0, ..., :3], np.eye(3)[classes[0]])
    np.testing.assert_array_equal(read[0, ..., 3], expected)


def test_a_style_depends_on_key_and_id_alone():
    ids = np.array([[7, 70_000, 70_001, ABSENT], [2, 7, ABSENT, ABSENT]], np.int32)
    styles = normal_styles(KEYS, ids, SIZES, 1.0)
    assert styles.image.shape == (2, 5)
    assert styles.instances.shape == (2, 4, 2, 3)
    other = normal_styles(KEYS[:1], ids[:1, [2, 0]], SIZES, 1.0)
    np.testing.assert_array_equal(other.instances[0], styles.instances[0, [2, 0]])
    np.testing.assert_array_equal(other.image[0], styles.image[0])
    # Of the other key, the same id has another style, and an id near by has, too.
    assert np.abs(styles.instances[0, 0] - styles.instances[1, 1]).min() > 1e-3
    assert np.abs(styles.instances[0, 1] - styles.instances[0, 2]).min() > 1e-3
    half = normal_styles(KEYS, ids, SIZES, 0.5)
    np.testing.assert_allclose(half.image, styles.image / 2)
    np.testing.assert_allclose(half.instances, styles.instances / 2)
    many = normal_styles(KEYS[:1], np.arange(2000, dtype=np.int32)[np.newaxis], SIZES, 1.0)
    assert many.instances.mean() == pytest.approx(0, abs=0.05)
    assert many.instances.std() == pytest.approx(1, abs=0.05)
