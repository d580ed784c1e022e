import itertools

import numpy as np

from fullglow_jax.bijections import Squeeze, squeeze, unsqueeze
from tests.layers.variables import run


def test_a_channel_holds_one_pixel_of_every_block():
    x = np.arange(2 * 4 * 6 * 3).reshape(2, 4, 6, 3)
    y = squeeze(x)
    assert y.shape == (2, 2, 3, 12)
    for c, dy, dx in itertools.product(range(3), range(2), range(2)):
        np.testing.assert_array_equal(y[..., c * 4 + 2 * dy + dx], x[:, dy::2, dx::2, c])
    np.testing.assert_array_equal(unsqueeze(y), x)


def test_the_bijection_is_the_functions():
    x = np.arange(2 * 4 * 6 * 3, dtype=np.float32).reshape(2, 4, 6, 3)
    y, log_det = run(Squeeze(), {}, x, method="forward")
    np.testing.assert_array_equal(y, squeeze(x))
    np.testing.assert_array_equal(log_det, np.zeros(2))
    np.testing.assert_array_equal(run(Squeeze(), {}, y, method="inverse"), x)
