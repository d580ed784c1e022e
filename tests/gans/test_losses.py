"""Losses of every example by itself."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fullglow_jax.gans.discriminators.scales import halved
from fullglow_jax.gans.discriminators.verdict import Verdict
from fullglow_jax.gans.losses import (
    ADVERSARIAL,
    absolute_difference,
    feature_difference,
    feature_matching,
    gradient_penalty,
    mean_of_scales,
)
from tests.layers.variables import quick_jit

RNG = np.random.default_rng(0)


def images(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def test_scales_count_the_same_whatever_their_size():
    verdicts = [Verdict(images(2, 4, 6, 1), ()), Verdict(images(2, 2, 3, 1), ())]
    found = mean_of_scales(jnp.square, verdicts)
    means = [np.square(v.logits).mean((1, 2, 3)) for v in verdicts]
    np.testing.assert_allclose(found, np.mean(means, axis=0), rtol=1e-6)


@pytest.mark.parametrize("mode", ADVERSARIAL)
def test_a_discriminator_learns_to_tell_and_a_generator_the_reverse(mode):
    loss, x = ADVERSARIAL[mode], jnp.float32(0.3)
    assert jax.grad(loss.true)(x) < 0
    assert jax.grad(loss.drawn)(x) > 0
    assert jax.grad(loss.generator)(x) < 0


def test_the_gradient_penalty_of_a_linear_critic_is_known():
    condition, target, drawn = images(3, 2, 3, 2), images(3, 2, 3, 2), images(3, 2, 3, 2)
    weights = images(2, 3, 4)
    calls = []

    def logits(condition, image):
        calls.append(image)
        both = jnp.concatenate([condition, image], axis=-1)
        return [(weights * both).sum((1, 2, 3)), jnp.zeros(3)]

    alpha = np.float32([0, 0.25, 1])
    found = quick_jit(partial(gradient_penalty, logits))(condition, target, drawn, alpha)
    np.testing.assert_allclose(found, (np.linalg.norm(weights) - 1) ** 2, rtol=1e-5)
    share = alpha[:, None, None, None]
    between = jax.vmap(lambda a, x, y: a * x + (1 - a) * y)(alpha, target, drawn)
    np.testing.assert_allclose(share * target + (1 - share) * drawn, between, rtol=1e-6)
    assert len(calls) == 1


def test_a_penalty_without_any_gradient_is_finite_and_so_is_its_own_gradient():
    zeros = jnp.zeros((1, 2, 2, 1))

    def penalty(weight):
        def logits(condition, image):
            return [weight * (condition + image)]

        return gradient_penalty(logits, zeros, zeros, zeros, jnp.ones(1)).sum()

    value, gradient = quick_jit(jax.value_and_grad(penalty))(0.0)
    assert value == pytest.approx(1)
    assert np.isfinite(gradient)


def test_features_are_weighed_by_layer_and_the_target_gets_no_gradient():
    drawn, target = images(2, 4, 4, 3), images(2, 4, 4, 3)

    def features(x):
        return [x, 2 * x[:, ::2], jnp.square(x)]

    weights = (0.5, 0.0, 1.0)
    found = feature_difference(features, weights, drawn, target)
    expected = 0.5 * absolute_difference(drawn, target) + absolute_difference(drawn**2, target**2)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    by_target = jax.grad(lambda y: feature_difference(features, weights, drawn, y).sum())
    gradient = quick_jit(by_target)(target)
    assert not np.any(gradient)


def test_matching_sums_layers_and_averages_scales():
    def verdicts():
        scales = [(images(2, 4, 4, 3), images(2, 2, 2, 5)), (images(2, 2, 2, 3),)]
        return [Verdict(images(2, 2, 2, 1), features) for features in scales]

    drawn, target = verdicts(), verdicts()
    layers = [
        [np.abs(x - y).mean((1, 2, 3)) for x, y in zip(d.features, t.features, strict=True)]
        for d, t in zip(drawn, target, strict=True)
    ]
    expected = (layers[0][0] + layers[0][1] + layers[1][0]) / 2
    np.testing.assert_allclose(feature_matching(drawn, target), expected, rtol=1e-6)


def test_pixels_outside_do_not_count_in_a_halved_image():
    x = images(1, 5, 4, 2)
    found = halved(x)
    assert found.shape == (1, 3, 2, 2)
    np.testing.assert_allclose(found[0, 0, 0], x[0, :2, :2].mean((0, 1)), rtol=1e-5)
    np.testing.assert_allclose(found[0, 1, 1], x[0, 1:4, 1:4].mean((0, 1)), rtol=1e-5)
