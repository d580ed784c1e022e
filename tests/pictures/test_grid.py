import numpy as np
import pytest

from fullglow_jax.models.batch import Batch
from fullglow_jax.pictures.grid import GAP, HEADER, as_uint8, image_grid
from fullglow_jax.sampling.conditions import Conditions


def cell(grid, row, column, size):
    top, left = HEADER + GAP + row * (size[0] + GAP), GAP + column * (size[1] + GAP)
    return grid[top : top + size[0], left : left + size[1]]


@pytest.mark.parametrize(("width", "zoom"), [(50, 3), (80, 2), (81, 1), (200, 1)])
def test_images_lie_in_rows_between_white(width, zoom):
    rows = np.random.default_rng(0).integers(0, 255, (2, 3, 5, width, 3), np.uint8)
    grid = image_grid(rows, ["", "", ""]).copy()
    shown = (5 * zoom, width * zoom)
    assert grid.shape == (HEADER + 2 * (shown[0] + GAP) + GAP, 3 * (shown[1] + GAP) + GAP, 3)
    assert grid.dtype == np.uint8
    for row in range(2):
        for column in range(3):
            area = cell(grid, row, column, shown)
            enlarged = np.kron(rows[row][column], np.ones((zoom, zoom, 1), np.uint8))
            np.testing.assert_array_equal(area, enlarged)
            area[:] = 255
    assert (grid == 255).all()


def test_an_empty_place_stays_white():
    image = np.zeros((5, 200, 3), np.uint8)
    grid = image_grid([[None, image], [image, None]], ["", ""])
    shown = [[int(cell(grid, i, j, (5, 200)).mean()) for j in range(2)] for i in range(2)]
    assert shown == [[255, 0], [0, 255]]


def test_titles_stand_above_their_columns():
    rows = np.full((1, 3, 40, 200, 3), 255, np.uint8)
    grid = image_grid(rows, ["", "T = 0.7", ""])
    inked = np.argwhere((grid < 255).any(-1))
    assert len(inked)
    assert inked[:, 0].max() < HEADER + GAP
    assert inked[:, 1].min() >= GAP + (200 + GAP)
    assert inked[:, 1].max() < GAP + 2 * (200 + GAP)


def test_floats_are_rounded_and_clipped():
    values = np.array([-0.5, 0.0, 0.4 / 255, 0.6 / 255, 254.6 / 255, 1.0, 1.5])
    np.testing.assert_array_equal(as_uint8(values), [0, 0, 0, 1, 255, 255, 255])
    levels = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(as_uint8(levels / np.float32(255)), levels)
    assert as_uint8(levels) is levels


def test_conditions_are_shown_with_their_true_images_if_these_are_known():
    batch = Batch(np.full((2, 5, 9, 3), 10, np.uint8), np.full((2, 5, 9, 3), 20, np.uint8))
    known = Conditions(["a", "b"], batch, have_targets=True)
    assert {title: images.mean() for title, images in known.shown.items()} == {
        "condition": 10,
        "ground truth": 20,
    }
    assert list(Conditions(["a", "b"], batch, have_targets=False).shown) == ["condition"]
    assert not Conditions(["image"] * 2, batch, have_targets=False, matter=False).shown


def test_what_is_not_a_number_is_drawn_black_without_a_warning(recwarn):
    image = np.array([np.nan, np.inf, -np.inf, 0.5])
    np.testing.assert_array_equal(as_uint8(image), [0, 255, 0, 128])
    assert not recwarn


@pytest.mark.parametrize("bits", range(1, 8))
def test_every_level_of_fewer_bits_is_read_back(bits):
    """However decoding rounds it; and the pixels of true images are what they were."""
    levels = np.arange(2**bits)
    exact = (levels / 2**bits).astype(np.float32)
    for off in (-2e-6, 0, 2e-6):
        np.testing.assert_array_equal(as_uint8(exact + np.float32(off), bits) >> 8 - bits, levels)
    pixels = np.arange(256)
    np.testing.assert_array_equal(as_uint8((pixels / 255).astype(np.float32), bits), pixels)
