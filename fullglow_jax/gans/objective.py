"""The objectives of generator and discriminator: weighted terms, each by example."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

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
"""(what it reads beside an image, images) → verdicts of the discriminator."""

Features = Callable[[Array], Sequence[Array]]
"""Images in [−1, 1] → a network's activations by layer."""


@dataclass(frozen=True)
class Objective:
    """The weights of all terms, and what they are computed with; terms of weight 0 are left out.

    Attributes:
        adversarial: One of `ADVERSARIAL`.
        share: Weight of the discriminator's loss on true images and on drawn ones.
        penalty: Weight of the gradient penalty on the discriminator.
        pixels: Weight of the absolute difference to the true image.
        perceptual: Weight of that in the features of a network.
        matching: Weight of that in the discriminator's activations.
        matching_layers: Weights of its layers, first to last; all are 1 if not given.
        own: Weights of the generator's own terms, by name.
        features: The network, for `perceptual`.
        layers: Weights of its layers.
    """

    adversarial: str = "vanilla"
    share: float = 0.5
    penalty: float = 0.0
    pixels: float = 100.0
    perceptual: float = 0.0
    matching: float = 0.0
    matching_layers: tuple[float, ...] = ()
    own: Mapping[str, float] = field(default_factory=dict)
    features: Features | None = None
    layers: tuple[float, ...] = ()

    def discriminator(
        self,
        judged: Judged,
        beside: Array,
        target: Array,
        told: tuple[Sequence[Verdict], Sequence[Verdict]],
        drawn: Array,
        alpha: Array,
    ) -> Terms:
        """The discriminator's terms: those of true and drawn images, and the penalty.

        Args:
            judged: The discriminator, for the penalty.
            beside: What the discriminator reads beside an image, (B, H, W, C).
            target: (B, H, W, C).
            told: The verdicts on true and drawn images.
            drawn: (B, H, W, C).
            alpha: (B,), from 0 to 1, for the penalty.
        """
        loss, (true, false) = ADVERSARIAL[self.adversarial], told
        terms = {
            "true": self.share * mean_of_scales(loss.true, true),
            "drawn": self.share * mean_of_scales(loss.drawn, false),
        }
        if self.penalty:

            def logits(beside: Array, image: Array) -> list[Array]:
                return [verdict.logits for verdict in judged(beside, image)]

            found = gradient_penalty(logits, beside, target, drawn, alpha)
            terms["penalty"] = self.penalty * found
        return terms

    def generator(
        self,
        judged: Judged,
        beside: Array,
        target: Array,
        told: Sequence[Verdict],
        drawn: Array,
        own: Terms,
    ) -> Terms:
        """The generator's terms.

        Args:
            judged: The discriminator, for feature matching.
            beside: What the discriminator reads beside an image, (B, H, W, C).
            target: (B, H, W, C).
            told: The verdicts on drawn images; none without a discriminator.
            drawn: (B, H, W, C).
            own: The generator's own terms.
        """
        terms: Terms = {}
        if told:
            loss = ADVERSARIAL[self.adversarial].generator
            terms["adversarial"] = mean_of_scales(loss, told)
        if told and self.matching:
            difference = feature_matching(told, judged(beside, target), self.matching_layers)
            terms["matching"] = self.matching * difference
        if self.pixels:
            terms["pixels"] = self.pixels * absolute_difference(drawn, target)
        if self.perceptual:
            assert self.features is not None
            difference = feature_difference(self.features, self.layers, drawn, target)
            terms["perceptual"] = self.perceptual * difference
        terms |= {name: weight * own[name] for name, weight in self.own.items() if weight}
        return terms


def total(terms: Terms) -> Array:
    """(B,), the sum of all terms."""
    return jnp.stack(list(terms.values())).sum(0)
