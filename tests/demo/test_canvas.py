"""Painting: what the canvas gives back of what was painted on it."""

import numpy as np
import pytest

from fullglow_jax.demo.canvas import Canvas
from fullglow_jax.demo.paints import palette_of
from fullglow_jax.errors import UserError
from fullglow_jax.palette import EVALUATED
from fullglow_jax.sampling.palettes import cityscapes_palette

SIZE = (8, 16)
PALETTE = cityscapes_palette()
CAR = np.array((0, 0, 142), np.uint8)


@pytest.fixture
def canvas():
    return Canvas(SIZE, PALETTE)


@pytest.fixture
def condition():
    return np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)


def stroke(canvas, rows, columns, colour, alpha=255):
    layer = np.zeros((*canvas.size, 4), np.uint8)
    layer[rows, columns] = (*colour, alpha)
    return layer


def test_a_canvas_is_large_enough_to_paint_on(canvas):
    assert canvas.size == (320, 640)
    assert Canvas((512, 1024), PALETTE).size == (512, 1024)


def test_nothing_painted_nothing_changed(canvas, condition):
    enlarged = canvas.enlarged(condition)
    assert enlarged.shape == (*canvas.size, 3)
    np.testing.assert_array_equal(canvas.read(enlarged, []).condition, condition)
    untouched = np.zeros((*canvas.size, 4), np.uint8)
    np.testing.assert_array_equal(canvas.read(enlarged, [untouched]).condition, condition)


def test_strokes_are_snapped_to_the_palette(canvas, condition):
    z = canvas.zoom
    # A little off, and half transparent at its edge, as browsers paint.
    layer = stroke(canvas, slice(2 * z, 4 * z), slice(3 * z, 7 * z), CAR + np.uint8(3))
    layer[2 * z : 4 * z, 7 * z : 8 * z] = (*CAR, 100)
    painted = canvas.read(canvas.enlarged(condition), [layer]).condition
    assert (painted[2:4, 3:7] == CAR).all()
    painted[2:4, 3:7] = condition[2:4, 3:7]
    np.testing.assert_array_equal(painted, condition)


def test_colours_mix_where_a_stroke_ends_inside_a_pixel(canvas):
    z = canvas.zoom
    white = np.full((*SIZE, 3), 255, np.uint8)
    layer = stroke(canvas, slice(0, z), slice(0, z // 4), CAR)
    painted = canvas.read(canvas.enlarged(white), [layer]).condition
    expected = 0.25 * CAR + 0.75 * 255
    np.testing.assert_allclose(painted[0, 0], expected, atol=0.5)


def test_the_last_stroke_is_on_top(canvas, condition):
    road, sky = (PALETTE.colours[PALETTE.names.index(name)] for name in ("road", "sky"))
    everywhere = (slice(None), slice(None))
    layers = [stroke(canvas, *everywhere, road), stroke(canvas, *everywhere, sky)]
    assert (canvas.read(canvas.enlarged(condition), layers).condition == sky).all()


def test_a_stroke_is_an_object_of_the_boundary_map(canvas, condition):
    z = canvas.zoom
    boundary = np.full((*SIZE, 3), 255, np.uint8)
    layer = stroke(canvas, slice(z, 6 * z), slice(2 * z, 9 * z), CAR)
    painted = canvas.read(canvas.enlarged(condition), [layer], boundary)
    expected = boundary.copy()
    expected[2:5, 3:8] = 0  # inside; the outline stays
    np.testing.assert_array_equal(painted.boundary, expected)
    untouched = canvas.read(canvas.enlarged(condition), [], np.zeros_like(boundary)).boundary
    assert not untouched.any()
    outline = canvas.read(canvas.enlarged(condition), [layer], np.zeros_like(boundary)).boundary
    assert outline[1, 2].all()
    assert outline[0, 2].all()
    assert not outline[3, 5].any()


def test_a_canvas_of_another_size_is_refused(canvas):
    with pytest.raises(UserError, match="10×20 where the canvas is 320×640"):
        canvas.read(np.zeros((10, 20, 3), np.uint8), [])


def test_cityscapes_palette():
    assert PALETTE.names[:19] == tuple(label.name for label in EVALUATED)
    assert len(set(map(tuple, PALETTE.colours))) == len(PALETTE.names)
    assert PALETTE.names[int(PALETTE.nearest(CAR))] == "car"
    assert PALETTE.hexadecimal("car") == "#00008e"


def test_a_palette_is_found_in_what_there_is():
    rng = np.random.default_rng(0)
    of_classes = PALETTE.colours[rng.integers(0, 19, SIZE)]
    of_classes[:6] = rng.integers(0, 256, of_classes[:6].shape)  # mixed at borders
    assert palette_of([of_classes]).names == PALETTE.names
    assert palette_of([]).names == PALETTE.names
    own = np.array([(250, 10, 10), (10, 250, 10)], np.uint8)
    found = palette_of([own[rng.integers(0, 2, SIZE)]])
    assert set(map(tuple, found.colours)) == set(map(tuple, own))
    assert set(found.names) == {"#fa0a0a", "#0afa0a"}
