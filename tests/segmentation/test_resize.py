"""Bilinear resizing."""

import jax.numpy as jnp
import numpy as np
import pytest

from fullglow_jax.segmentation.resize import corner_matrix, resize_corners

SIZES = [
    ((3, 4), (7, 10)),
    ((5, 7), (33, 49)),
    ((9, 6), (4, 2)),
    ((1, 3), (5, 1)),
    ((4, 4), (1, 4)),
]


def random(size):
    return np.random.default_rng(0).standard_normal((2, *size, 3)).astype(np.float32)


def pixel_by_pixel(x, size, position):
    """Bilinear interpolation of (B, H, W, C) at `position(number, source, target)`."""
    height, width = x.shape[1:3]
    result = np.zeros((len(x), *size, x.shape[-1]))
    for i in range(size[0]):
        for j in range(size[1]):
            y, z = position(i, height, size[0]), position(j, width, size[1])
            for row in range(height):
                for column in range(width):
                    weight = max(0, 1 - abs(y - row)) * max(0, 1 - abs(z - column))
                    result[:, i, j] += weight * x[:, row, column]
    return result


@pytest.mark.parametrize(("source", "target"), SIZES)
def test_corners_as_computed_pixel_by_pixel(source, target):
    x = random(source)
    expected = pixel_by_pixel(x, target, lambda i, n, m: i * (n - 1) / (m - 1) if m > 1 else 0)
    np.testing.assert_allclose(resize_corners(jnp.asarray(x), target), expected, atol=1e-5)


def test_corners_stay_corners():
    x = random((4, 6))
    y = np.asarray(resize_corners(jnp.asarray(x), (9, 17)))
    np.testing.assert_array_equal(
        y[:, [0, 0, -1, -1], [0, -1, 0, -1]], x[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    )


def test_the_same_size_is_the_same_image():
    x = jnp.asarray(random((4, 6)))
    assert resize_corners(x, (4, 6)) is x
    np.testing.assert_array_equal(corner_matrix(6, 6), np.eye(6))


def test_constants_stay_constant():
    for source, target in ((1, 5), (7, 3), (90, 713), (3, 1)):
        np.testing.assert_allclose(corner_matrix(source, target).sum(1), 1, atol=1e-6)
        assert (corner_matrix(source, target) >= 0).all()


def test_a_ramp_stays_a_ramp():
    ramp = np.broadcast_to(
        np.linspace(0, 1, 5, dtype=np.float32)[None, :, None, None], (1, 5, 2, 1)
    )
    y = np.asarray(resize_corners(jnp.asarray(ramp), (41, 2)))
    np.testing.assert_allclose(y[0, :, 0, 0], np.linspace(0, 1, 41), atol=1e-6)
