"""Full-Glow: a source glow and a target glow whose every operation reads the source's."""

import flax.linen as nn
from jax import Array

from fullglow_jax.models.architecture import Architecture
from fullglow_jax.models.encoding import Encoding, Images, LevelEncoding, gather
from fullglow_jax.models.flow_step import StepParameters
from fullglow_jax.models.joint_level import JointLevel


class FullGlow(nn.Module):
    """p(target | source) and p(source), exactly (Sorkhei, Henter, Kjellström 2021).

    Initialise it with `encode` on a real batch: actnorms start from the activations.
    Images are (B, H, W, channels), float, in [0, 1] up to dequantisation noise. Boundary maps,
    where the architecture has them, come resized: one (B, h, w, 3) a level, at `level_sizes`.

    Attributes:
        architecture: The model's numbers.
    """

    architecture: Architecture

    def setup(self) -> None:
        """Builds the levels."""
        self.levels = [JointLevel(self.architecture, i) for i in range(self.architecture.levels)]

    def __call__(
        self, source: Array, target: Array, boundary: Images = ()
    ) -> tuple[Encoding, Encoding]:
        """The same as `encode`."""
        return self.encode(source, target, boundary)

    def encode(
        self, source: Array, target: Array, boundary: Images = ()
    ) -> tuple[Encoding, Encoding]:
        """Both images to their latents, with all that their likelihoods need."""
        of_source: list[LevelEncoding] = []
        of_target: list[LevelEncoding] = []
        for level, edges in zip(self.levels, self._per_level(boundary), strict=True):
            at_source, at_target = level.encode(source, target, edges)
            of_source.append(at_source)
            of_target.append(at_target)
            source, target = at_source.kept, at_target.kept
        return gather(of_source), gather(of_target)

    def read_condition(self, source: Array, boundary: Images = ()) -> tuple[StepParameters, ...]:
        """All that decoding takes from a condition, one pytree a level, stacked over its steps."""
        parameters = []
        for level, edges in zip(self.levels, self._per_level(boundary), strict=True):
            source, of_level = level.read_condition(source, edges)
            parameters.append(of_level)
        return tuple(parameters)

    def decode(
        self, latents: Images, parameters: tuple[StepParameters, ...], from_noise: bool = False
    ) -> Array:
        """A target image from its latents under a condition that was read.

        Args:
            latents: One a level.
            parameters: What `read_condition` returned for as many conditions, or for fewer: each
                then serves as many images in a row.
            from_noise: Whether the latents are standard-normal noise, times a temperature, to be
                placed by the priors; else they are the latents themselves.
        """
        target = latents[-1][..., :0]
        for level, latent, of_level in reversed(
            list(zip(self.levels, latents, parameters, strict=True))
        ):
            target = level.decode_target(target, latent, of_level, from_noise)
        return target

    def decode_source(self, latents: Images, from_noise: bool = False) -> Array:
        """A source image from its latents, or from noise: the source glow on its own."""
        source = latents[-1][..., :0]
        for level, latent in reversed(list(zip(self.levels, latents, strict=True))):
            source = level.decode_source(source, latent, from_noise)
        return source

    def _per_level(self, boundary: Images) -> tuple[Array | None, ...]:
        return boundary if self.architecture.boundary else (None,) * self.architecture.levels
