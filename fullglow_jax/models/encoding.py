"""The encoding of an image by a flow."""

from typing import NamedTuple

from jax import Array

Images = tuple[Array, ...]
"""One array per level, finest first."""


class Encoding(NamedTuple):
    """Latents of an image and the parts of its log-likelihood, by level.

    `latents`: one per level, (B, h, w, c) as in the model's `shapes.latent_shapes`; they are what
    stays of an image when its condition changes, z or ε = (z − μ)/σ, as the flow has it.
    `log_prior`, the log-density of z, and `log_det`, log|det| from image to z, are (B, levels).
    """

    latents: Images
    log_prior: Array
    log_det: Array
