"""An image in the terms of its glow."""

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

Images = tuple[Array, ...]
"""One array a level, finest first."""


class LevelEncoding(NamedTuple):
    """What one image leaves at a level.

    `kept`, (B, H/2, W/2, C), goes on to the next level (no channels at the last one); `latent`
    stays; `log_prior` and `log_det` are (B,).
    """

    kept: Array
    latent: Array
    log_prior: Array
    log_det: Array


class Encoding(NamedTuple):
    """What one image leaves at all levels.

    `latents`: one a level, (B, h, w, c) as `Architecture.latent_shapes` says; `log_prior`, their
    log-density, and `log_det`, log|det| from the image to them, both (B, levels): what each level
    contributed.
    """

    latents: Images
    log_prior: Array
    log_det: Array


def gather(levels: Sequence[LevelEncoding]) -> Encoding:
    """What an image left at one level after the other."""
    return Encoding(
        tuple(level.latent for level in levels),
        jnp.stack([level.log_prior for level in levels], axis=-1),
        jnp.stack([level.log_det for level in levels], axis=-1),
    )
