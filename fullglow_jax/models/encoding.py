"""The encoding of an image by a flow."""

from typing import NamedTuple

from jax import Array

Images = tuple[Array, ...]
"""One array per level, finest first."""


class Encoding(NamedTuple):
    """Latents of an image and the parts of its log-likelihood, by level.

    `latents`: one per level, (B, h, w, c) as in `Architecture.latent_shapes`. `log_prior`, their
    log-density, and `log_det`, log|det| from image to latents, are (B, levels).
    """

    latents: Images
    log_prior: Array
    log_det: Array
