"""What a discriminator says of an image."""

from typing import NamedTuple

from jax import Array

SLOPE = 0.2
"""Slope of discriminators' leaky ReLUs below 0."""


class Verdict(NamedTuple):
    """What is said of each place of an image, at one scale.

    Attributes:
        logits: (B, h, w, 1), float32, above 0 where it looks true.
        features: The activations of all layers before them, (B, h, w, C) each.
    """

    logits: Array
    features: tuple[Array, ...]
