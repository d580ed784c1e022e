"""Losses of generators and discriminators, each of every example by itself."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from fullglow_jax.gans.discriminators.verdict import Verdict
from fullglow_jax.layers.precision import at_least_float32


class Adversarial(NamedTuple):
    """An adversarial loss: functions of a logit, which are averaged over places and scales.

    Attributes:
        true: The discriminator's, of a true image.
        drawn: The discriminator's, of a drawn image.
        generator: The generator's, of a drawn image.
    """

    true: Callable[[Array], Array]
    drawn: Callable[[Array], Array]
    generator: Callable[[Array], Array]


ADVERSARIAL = {
    # −log of the probability that is given to the right answer (Goodfellow et al. 2014), with the
    # generator's in the form that does not saturate.
    "vanilla": Adversarial(
        true=lambda x: jax.nn.softplus(-x),
        drawn=jax.nn.softplus,
        generator=lambda x: jax.nn.softplus(-x),
    ),
    # Least squares (Mao et al. 2017).
    "lsgan": Adversarial(
        true=lambda x: jnp.square(x - 1),
        drawn=jnp.square,
        generator=lambda x: jnp.square(x - 1),
    ),
    # (Lim, Ye 2017).
    "hinge": Adversarial(
        true=lambda x: jax.nn.relu(1 - x),
        drawn=lambda x: jax.nn.relu(1 + x),
        generator=lambda x: -x,
    ),
    # Of a Wasserstein GAN (Arjovsky et al. 2017). Nothing in it limits the logits.
    "wgan": Adversarial(true=lambda x: -x, drawn=lambda x: x, generator=lambda x: -x),
}
"""By `config.model.adversarial`."""


def mean_of_scales(loss: Callable[[Array], Array], verdicts: Sequence[Verdict]) -> Array:
    """(B,), the mean over scales of the means over places of a function of the logits."""
    return _mean([_by_example(loss(verdict.logits)) for verdict in verdicts])


def gradient_penalty(
    logits: Callable[[Array, Array], Sequence[Array]],
    condition: Array,
    target: Array,
    drawn: Array,
    alpha: Array,
) -> Array:
    """(B,), (‖∇D‖ − 1)² at α·target + (1 − α)·drawn (Gulrajani et al. 2017, algorithm 1).

    The gradient is of the sum of all logits, by condition and image together.

    Args:
        logits: (conditions, images) → the logits of each scale.
        condition: (B, H, W, C).
        target: (B, H, W, C).
        drawn: (B, H, W, C).
        alpha: (B,), from 0 to 1.
    """
    share = alpha[:, None, None, None]
    between = share * target + (1 - share) * drawn

    def total(condition: Array, image: Array) -> Array:
        return jnp.stack([scale.sum() for scale in logits(condition, image)]).sum()

    gradients = jax.grad(total, (0, 1))(condition, between)
    # The gradient of the norm would not be finite at 0.
    squares = sum(jnp.square(g + 1e-16).sum((1, 2, 3)) for g in gradients)
    return jnp.square(jnp.sqrt(squares) - 1)


def absolute_difference(drawn: Array, target: Array) -> Array:
    """(B,), the mean of |drawn − target| of each example."""
    return _by_example(at_least_float32(jnp.abs(drawn - target)))


def feature_difference(
    features: Callable[[Array], Sequence[Array]],
    weights: Sequence[float],
    drawn: Array,
    target: Array,
) -> Array:
    """(B,), the sum over a network's layers of w · the mean of |φ(drawn) − φ(target)|.

    It is the perceptual loss (Johnson et al. 2016) with absolute differences.

    Args:
        features: Images (B, H, W, C) → the activations φ of each layer.
        weights: w of each layer.
        drawn: Images in [−1, 1].
        target: Images in [−1, 1]; there is no gradient by them.
    """
    return _weighted_differences(weights, features(drawn), jax.lax.stop_gradient(features(target)))


def feature_matching(
    drawn: Sequence[Verdict], target: Sequence[Verdict], weights: Sequence[float] = ()
) -> Array:
    """(B,), the mean over scales of Σ over layers of w · the mean of |φ(drawn) − φ(target)|.

    φ are the discriminator's own activations (Wang et al. 2018, section 3.3); there is no gradient
    by the target's. All w are 1 if they are not given.
    """
    scales = []
    for mine, true in zip(drawn, target, strict=True):
        of_layers = weights or (1.0,) * len(mine.features)
        activations = mine.features, jax.lax.stop_gradient(true.features)
        scales.append(_weighted_differences(of_layers, *activations))
    return _mean(scales)


def _weighted_differences(
    weights: Sequence[float], drawn: Sequence[Array], target: Sequence[Array]
) -> Array:
    layers = zip(weights, drawn, target, strict=True)
    terms = [weight * absolute_difference(x, y) for weight, x, y in layers if weight]
    return jnp.stack(terms).sum(0)


def _by_example(values: Array) -> Array:
    return values.mean(tuple(range(1, values.ndim)))


def _mean(terms: Sequence[Array]) -> Array:
    return jnp.stack(list(terms)).mean(0)
