"""Images and maps of ids at other sizes."""

import jax
import numpy as np
import pytest

from fullglow_jax.layers.resizing import interpolated, nearest, repeated

X = np.random.default_rng(0).standard_normal((2, 3, 4, 2)).astype(np.float32)


@pytest.mark.parametrize("size", [(2, 2), (8, 6), (3, 5), (4, 6)])
def test_the_nearest_id_is_that_at_the_scaled_place_rounded_down(size):
    ids = np.arange(24).reshape(1, 4, 6)
    rows, columns = (
        [p * length // n for p in range(n)] for n, length in zip(size, (4, 6), strict=True)
    )
    np.testing.assert_array_equal(nearest(ids, size), ids[:, rows][:, :, columns])


def test_doubled_images():
    np.testing.assert_array_equal(repeated(X), X.repeat(2, 1).repeat(2, 2))
    expected = jax.image.resize(X, (2, 6, 8, 2), "bilinear")
    np.testing.assert_allclose(interpolated(X), expected, rtol=1e-5, atol=1e-6)
