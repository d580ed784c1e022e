import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from fullglow_jax.data.boundary import boundary_map, boundary_pyramid
from fullglow_jax.models.annotations import Annotations


def test_single_pixel_object_and_its_four_neighbours():
    ids = np.zeros((5, 5), np.int32)
    ids[2, 2] = 26001
    cross = np.zeros((5, 5))
    cross[2, 1:4] = cross[1:4, 2] = 255
    boundary = boundary_map(ids)
    assert boundary.dtype == np.uint8
    np.testing.assert_array_equal(boundary, np.dstack([cross] * 3))


@settings(max_examples=50, deadline=None)
@given(
    hnp.arrays(
        np.int32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=6), elements=st.integers(0, 2)
    )
)
def test_matches_a_loop_over_pixels(ids):
    height, width = ids.shape
    expected = np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            for v, u in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
                if 0 <= v < height and 0 <= u < width and ids[v, u] != ids[y, x]:
                    expected[y, x] = 255
    np.testing.assert_array_equal(boundary_map(ids), np.dstack([expected] * 3))


@pytest.fixture
def boundary():
    ids = np.zeros((32, 64), np.int32)
    ids[9:23, 20:41] = 1
    return boundary_map(ids)


SIZES = ((16, 32), (8, 16), (4, 8))


def test_levels_are_pillows_default_resize_of_the_full_size(boundary):
    levels = boundary_pyramid(boundary, Annotations("smooth", SIZES))
    assert [level.shape for level in levels] == [(h, w, 3) for h, w in SIZES]
    for level, (h, w) in zip(levels, SIZES, strict=True):
        assert level.dtype == np.uint8
        expected = Image.fromarray(boundary).resize((w, h), Image.Resampling.BICUBIC)
        np.testing.assert_array_equal(level, np.asarray(expected))
    assert any(np.any((level > 0) & (level < 255)) for level in levels)


def test_ceil_is_the_ceiling_of_the_plain_levels(boundary):
    plain = boundary_pyramid(boundary, Annotations("smooth", SIZES))
    ceiled = boundary_pyramid(boundary, Annotations("ceil", SIZES))
    for soft, hard in zip(plain, ceiled, strict=True):
        assert hard.dtype == np.uint8
        np.testing.assert_array_equal(hard / 255, np.ceil(soft / 255))
