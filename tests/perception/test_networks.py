"""VGG, AlexNet and LPIPS against PyTorch's own layers, on random weights."""

import jax
import numpy as np
import pytest

from fullglow_jax.perception import alexnet, lpips
from fullglow_jax.perception.inception import BLOCKS, PRETRAINED_INCEPTION, Conv
from fullglow_jax.perception.vgg import VGG16, VGG19
from tests import needs
from tests.layers.variables import quick_jit
from tests.perception.random_weights import random_weights, state_dict

SIZE = (48, 40)


@pytest.fixture(scope="module")
def torch():
    return needs.package("torch")


@pytest.fixture
def images():
    return np.random.default_rng(1).uniform(-1, 1, (2, *SIZE, 3)).astype(np.float32)


def activations(torch, state, images, layers):
    """Of the layers (name, stride, padding, and the window of a maximum of stride 2 before)."""
    x, found = torch.tensor(images.transpose(0, 3, 1, 2)), []
    for name, stride, padding, pooled in layers:
        x = torch.nn.functional.max_pool2d(x, pooled, 2) if pooled else x
        weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
        x = torch.relu(torch.nn.functional.conv2d(x, weight, bias, stride, padding))
        found.append(x.numpy().transpose(0, 2, 3, 1))
    return found


ALEXNET = (
    ("features.0", 4, 2, 0),
    ("features.3", 1, 2, 3),
    ("features.6", 1, 1, 3),
    ("features.8", 1, 1, 0),
    ("features.10", 1, 1, 0),
)

VGG_16 = [
    (f"features.{place}", 1, 1, 2 if place in (5, 10, 17, 24) else 0)
    for place in (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
]
OF_LPIPS = [1, 3, 6, 9, 12]
"""The places of VGG-16's layers of LPIPS among all 13."""


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, atol=2e-5 * np.abs(expected).max())


def test_alexnet(torch, images):
    weights = random_weights(alexnet.PRETRAINED_ALEXNET.shapes)
    found = quick_jit(alexnet.activations)(weights, images)
    for actual, expected in zip(
        found, activations(torch, state_dict(weights), images, ALEXNET), strict=True
    ):
        close(actual, expected)


def test_vgg(torch, images):
    weights = random_weights(VGG16.shapes)
    names = ("relu5_3", "relu1_2", "relu3_1")
    found = quick_jit(lambda weights, images: VGG16.activations(weights, images, names))(
        weights, images
    )
    expected = activations(torch, state_dict(weights), images, VGG_16)
    for actual, place in zip(found, (12, 1, 4), strict=True):
        close(actual, expected[place])


def test_what_lies_behind_the_wanted_layers_is_not_read(images):
    weights = {name: w for name, w in random_weights(VGG19.shapes).items() if "s.0." in name}
    (found,) = jax.eval_shape(
        lambda weights: VGG19.activations(weights, images[:, :16, :16], ("relu1_1",)), weights
    )
    assert found.shape == (2, 16, 16, 64)
    with pytest.raises(KeyError, match="relu6_1"):
        jax.eval_shape(
            lambda weights: VGG19.activations(weights, images, ("relu6_1",)),
            random_weights(VGG19.shapes),
        )


@pytest.mark.parametrize(
    ("of", "layers", "chosen"),
    [(lpips.ALEX, ALEXNET, range(5)), (lpips.VGG, VGG_16, OF_LPIPS)],
)
def test_lpips(torch, images, of, layers, chosen):
    weights = random_weights(of.pretrained.shapes)
    other = np.clip(images + 0.3 * images[:, ::-1], -1, 1)
    state, directions = state_dict(weights), []
    for each in (images, other):
        normalised = (each - np.array(lpips.MEAN)) / np.array(lpips.DEVIATION)
        found = activations(torch, state, normalised.astype(np.float32), layers)
        directions.append(
            [found[i] / (np.linalg.norm(found[i], axis=-1, keepdims=True) + 1e-10) for i in chosen]
        )
    heads = [weights[lpips.head_name(layer)].reshape(-1) for layer in range(5)]
    expected = sum(
        (np.square(a - b) @ head).mean((1, 2))
        for a, b, head in zip(*directions, heads, strict=True)
    )
    close(quick_jit(of.__call__)(weights, images, other), expected)
    assert np.abs(quick_jit(of.__call__)(weights, images, images)).max() == 0


def test_inception_has_the_arrays_that_it_is_known_by():
    shapes = PRETRAINED_INCEPTION.shapes
    convolutions = {name for name in shapes if name.endswith(".conv.weight")}
    assert len(convolutions) == 94
    assert shapes["Mixed_7c.branch3x3dbl_3b.conv.weight"] == (3, 1, 384, 384)
    assert shapes["Mixed_6c.branch7x7dbl_5.conv.weight"] == (1, 7, 160, 192)
    of_last = {layer.name for path in BLOCKS[-1][1] for layer in path if isinstance(layer, Conv)}
    assert len(of_last) == 9  # two of them begin two paths
