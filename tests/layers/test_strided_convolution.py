"""2×2 convolutions with stride 2, one after the other, in the order of nested quads."""

from itertools import pairwise

import numpy as np

from fullglow_jax.layers.layer import Weights
from fullglow_jax.layers.strided_convolution import convolve_blocks, convolve_quads, nested_quads


def test_they_are_those_of_whole_images():
    rng = np.random.default_rng(0)
    channels = (3, 5, 4, 2)
    image = rng.normal(size=(2, 16, 24, 3)).astype(np.float32)
    weights = [
        Weights(*(rng.normal(size=size).astype(np.float32) for size in ((2, 2, c, f), (f,))))
        for c, f in pairwise(channels)
    ]
    expected, quads = image, nested_quads(image, len(weights))
    for each in weights:
        expected, quads = convolve_blocks(expected, each), convolve_quads(quads, each)
    assert quads.shape == (2, 2, 3, 1, 2)
    np.testing.assert_allclose(quads[:, :, :, 0], expected, rtol=1e-5, atol=1e-4)
