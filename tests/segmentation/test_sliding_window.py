"""Testing by crops."""

import math

import jax.numpy as jnp
import numpy as np
import pytest

from fullglow_jax.errors import UserError
from fullglow_jax.segmentation import class_probabilities, normalise

CLASSES = 4
RNG = np.random.default_rng(0)
MIX = RNG.standard_normal((3, CLASSES)).astype(np.float32)


def predict(crops):
    """Logits of a pixel's colour, its neighbour to the left and its place in the crop: mirroring
    and the way of cropping both change them."""
    crops = np.asarray(crops)
    _, height, width, _ = crops.shape
    place = np.linspace(0, 2, height)[:, None, None] * np.arange(CLASSES)
    place = place + np.linspace(1, 0, width)[:, None] * np.arange(CLASSES)[::-1]
    return crops @ MIX + 0.7 * np.roll(crops, 1, axis=2) @ MIX[::-1] + place


def softmax(logits):
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def images_of(*size, count=1):
    return RNG.integers(0, 256, (count, *size, 3)).astype(np.uint8)


def crop_by_crop(image, crop):
    """One image's probabilities, written as plainly as can be."""
    mean = 255 * np.array([0.485, 0.456, 0.406])
    deviation = 255 * np.array([0.229, 0.224, 0.225])
    height, width, _ = image.shape
    tall, wide = max(height, crop[0]), max(width, crop[1])
    top, left = (tall - height) // 2, (wide - width) // 2
    canvas = np.empty((tall, wide, 3))
    canvas[:] = mean
    canvas[top : top + height, left : left + width] = image
    canvas = (canvas - mean) / deviation

    def starts(length, size):
        stride, found = math.ceil(size * 2 / 3), [0]
        while found[-1] + size < length:
            found.append(min(found[-1] + stride, length - size))
        return found

    sums, counts = np.zeros((tall, wide, CLASSES)), np.zeros((tall, wide))
    for y in starts(tall, crop[0]):
        for x in starts(wide, crop[1]):
            part = canvas[y : y + crop[0], x : x + crop[1]].astype(np.float32)
            found = softmax(predict(part[None]))[0]
            turned = softmax(predict(part[None, :, ::-1]))[0, :, ::-1]
            sums[y : y + crop[0], x : x + crop[1]] += (found + turned) / 2
            counts[y : y + crop[0], x : x + crop[1]] += 1
    assert counts.min() >= 1
    return (sums / counts[..., None])[top : top + height, left : left + width]


@pytest.mark.parametrize(
    ("size", "crop"),
    [((20, 31), (9, 9)), ((9, 40), (9, 17)), ((5, 30), (9, 12)), ((6, 7), (9, 10))],
)
def test_as_computed_crop_by_crop(size, crop):
    images = images_of(*size, count=2)
    found = class_probabilities(predict, images, crop)
    assert found.dtype == np.float32
    for image, ours in zip(images, found, strict=True):
        np.testing.assert_allclose(ours, crop_by_crop(image, crop), atol=1e-5)
    np.testing.assert_allclose(found.sum(-1), 1, atol=1e-5)


def test_one_crop_that_covers_the_image_is_plain_prediction_and_that_of_its_mirror_image():
    images = images_of(9, 17)
    plain = softmax(predict(normalise(images)))
    turned = softmax(predict(normalise(images[:, :, ::-1])))[:, :, ::-1]
    found = class_probabilities(predict, images, (9, 17))
    np.testing.assert_allclose(found, (plain + turned) / 2, atol=1e-6)
    assert np.abs(found - plain).max() > 0.01


def test_the_network_sees_one_shape():
    shapes = []

    def watched(crops):
        shapes.append(crops.shape)
        return jnp.asarray(predict(crops))

    class_probabilities(watched, images_of(20, 31, count=2), (9, 9))
    # Strides of 6: 0, 6, 11 and 0, 6, 12, 18, 22.
    assert shapes == [(4, 9, 9, 3)] * 15


@pytest.mark.parametrize("crop", [(9,), (0, 9)])
def test_an_impossible_crop_is_refused(crop):
    with pytest.raises(UserError, match="height and a width"):
        class_probabilities(predict, images_of(9, 9), crop)
