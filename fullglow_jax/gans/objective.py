"""The objectives of generator and discriminator: weighted terms, each by example."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jax.numpy as jnp
from jax import Array

from fullglow_jax.gans.discriminators.verdict import Verdict
from fullglow_jax.gans.losses import (
    ADVERSARIAL,
    absolute_difference,
    feature_difference,
    feature_matching,
    gradient_penalty,
    mean_of_scales,
)

Terms = dict[str, Array]
"""Weighted terms of a loss by name, (B,) each, which add up to it."""

Judged = Callable[[Array, Array], tuple[Verdict, ...]]
"""(conditions, images) → verdicts of the discriminator."""

Features = Callable[[Array], Sequence[Array]]
"""Images in [−1, 1] → a network's activations by layer."""


@dataclass(frozen=True)
class Objective:
    """The weights of all terms, and what they are computed with; terms of weight 0 are left out.

    Attributes:
        adversarial: One of `ADVERSARIAL`.
        penalty: Weight of the gradient penalty on the discriminator.
        pixels: Weight of the absolute difference to the true image.
        perceptual: Weight of that in the features of a network.
        matching: Weight of that in the discriminator's activations.
        features: The network, for `perceptual`.
        layers: Weights of its layers.
    """

    adversarial: str = "vanilla"
    penalty: float = 0.0
    pixels: float = 100.0
    perceptual: float = 0.0
    matching: float = 0.0
    features: Features | None = None
    layers: tuple[float, ...] = ()

    def discriminator(
        self,
        judged: Judged,
        condition: Array,
        target: Array,
        told: tuple[Sequence[Verdict], Sequence[Verdict]],
        drawn: Array,
        alpha: Array,
    ) -> Terms:
        """The discriminator's terms: ½(true + drawn), and the penalty.

        Args:
            judged: The discriminator, for the penalty.
            condition: (B, H, W, C).
            target: (B, H, W, C).
            told: The verdicts on true and drawn images.
            drawn: (B, H, W, C).
            alpha: (B,), from 0 to 1, for the penalty.
        """
        loss, (true, false) = ADVERSARIAL[self.adversarial], told
        terms = {
            "true": 0.5 * mean_of_scales(loss.true, true),
            "drawn": 0.5 * mean_of_scales(loss.drawn, false),
        }
        if self.penalty:

            def logits(condition: Array, image: Array) -> list[Array]:
                return [verdict.logits for verdict in judged(condition, image)]

            found = gradient_penalty(logits, condition, target, drawn, alpha)
            terms["penalty"] = self.penalty * found
        return terms

    def generator(
        self,
        judged: Judged,
        condition: Array,
        target: Array,
        told: Sequence[Verdict],
        drawn: Array,
    ) -> Terms:
        """The generator's terms.

        Args:
            judged: The discriminator, for feature matching.
            condition: (B, H, W, C).
            target: (B, H, W, C).
            told: The verdicts on drawn images; none without a discriminator.
            drawn: (B, H, W, C).
        """
        terms: Terms = {}
        if told:
            loss = ADVERSARIAL[self.adversarial].generator
            terms["adversarial"] = mean_of_scales(loss, told)
        if told and self.matching:
            difference = feature_matching(told, judged(condition, target))
            terms["matching"] = self.matching * difference
        if self.pixels:
            terms["pixels"] = self.pixels * absolute_difference(drawn, target)
        if self.perceptual:
            assert self.features is not None
            difference = feature_difference(self.features, self.layers, drawn, target)
            terms["perceptual"] = self.perceptual * difference
        return terms


def total(terms: Terms) -> Array:
    """(B,), the sum of all terms."""
    return jnp.stack(list(terms.values())).sum(0)
