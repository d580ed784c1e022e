"""Glow: one image, no condition; what Full-Glow's source is, on its own."""

import flax.linen as nn
from jax import Array

from fullglow_jax.models.architecture import Architecture
from fullglow_jax.models.encoding import Encoding, Images, LevelEncoding, gather
from fullglow_jax.models.glow_level import GlowLevel


class Glow(nn.Module):
    """p(image), exactly (Kingma, Dhariwal 2018).

    Initialise it with `encode` on a real batch: actnorms start from the activations.
    Images are (B, H, W, channels), float, in [0, 1] up to dequantisation noise.

    Attributes:
        architecture: The model's numbers; `condition` and `spatial_width` mean nothing here.
    """

    architecture: Architecture

    def setup(self) -> None:
        """Builds the levels."""
        self.levels = [GlowLevel(self.architecture, i) for i in range(self.architecture.levels)]

    def __call__(self, image: Array) -> Encoding:
        """The same as `encode`."""
        return self.encode(image)

    def encode(self, image: Array) -> Encoding:
        """An image to its latents, with all that its likelihood needs."""
        levels: list[LevelEncoding] = []
        for level in self.levels:
            levels.append(level.encode(image))
            image = levels[-1].kept
        return gather(levels)

    def decode(self, latents: Images, from_noise: bool = False) -> Array:
        """An image from its latents.

        Args:
            latents: One a level.
            from_noise: Whether the latents are standard-normal noise, times a temperature, to be
                placed by the priors; else they are the latents themselves.
        """
        image = latents[-1][..., :0]
        for level, latent in reversed(list(zip(self.levels, latents, strict=True))):
            image = level.decode(image, latent, from_noise)
        return image
