"""Convolution within instances."""

import numpy as np
import pytest

from fullglow_jax.layers.convolution import convolve_natively
from fullglow_jax.layers.instance_convolution import InstanceConvolution
from fullglow_jax.layers.starts import STARTS
from tests.layers.variables import random_variables, run

RNG = np.random.default_rng(0)
X = RNG.standard_normal((2, 6, 8, 3), np.float32)
INSTANCES = RNG.integers(0, 3, (2, 6, 8), np.int32)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("features", [2, 5])
def test_each_instance_is_convolved_as_if_it_were_alone(stride, features):
    layer = InstanceConvolution(features, STARTS["normal"](1.0), stride)
    variables = random_variables(layer, X, INSTANCES, size=1.0)
    y = run(layer, variables, X, INSTANCES)
    kernel, bias = variables["params"]["kernel"], variables["params"]["bias"]
    expected = np.zeros((*X.shape[:3], features))
    for instance in range(3):
        inside = (instance == INSTANCES)[..., np.newaxis]
        expected += inside * (np.asarray(convolve_natively(X * inside, kernel, (1, 1))) + bias)
    np.testing.assert_allclose(y, expected[:, ::stride, ::stride], rtol=1e-5, atol=1e-5)
    assert y.shape == (2, 6 // stride, 8 // stride, features)
