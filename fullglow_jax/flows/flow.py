"""Normalising flows of one image, or of several that are conditions of one another."""

from collections.abc import Mapping

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from fullglow_jax.flows.architecture import FlowArchitecture
from fullglow_jax.flows.level import Level, LevelConditions, LevelEncoding, Table
from fullglow_jax.flows.step import Maps
from fullglow_jax.models.encoding import Encoding, Images

LevelMaps = Mapping[str, Images]
"""Maps that conditioners read beside the images, by name: one (B, h, w, C) per level."""

Conditions = tuple[LevelConditions, ...]
"""All that decoding needs from conditions, per level."""


class Flow(nn.Module):
    """The exact density of each image, given the images that its operations read.

    Initialise it with `encode` on a real batch: actnorms start from the activations.
    Images are (B, H, W, channels), float, in [0, 1] plus dequantisation noise.

    Attributes:
        architecture: The model's numbers.
        table: The family's tables, one per level.
        images: Names of the images. Sampling draws the last one: none of the others reads it.
        keeps_noise: Whether the latents that it encodes to and decodes from are ε, of which the
            priors make z, and not z itself. They are what stays of an image when its condition
            changes: for the content to stay, they are z where the steps read the condition, and ε
            where only the priors do.
    """

    architecture: FlowArchitecture
    table: Table
    images: tuple[str, ...]
    keeps_noise: bool = False

    def setup(self) -> None:
        """Builds the levels."""
        self.levels = [
            Level(self.architecture, self.table, i) for i in range(self.architecture.levels)
        ]

    def __call__(self, images: Images, maps: LevelMaps | None = None) -> tuple[Encoding, ...]:
        """The same as `encode`."""
        return self.encode(images, maps)

    def encode(self, images: Images, maps: LevelMaps | None = None) -> tuple[Encoding, ...]:
        """Encodes all images, in the order of `self.images`; conditioners read maps beside them."""
        state = dict(zip(self.images, images, strict=True))
        encodings: dict[str, list[LevelEncoding]] = {name: [] for name in self.images}
        for level, at_level in zip(self.levels, self._per_level(maps), strict=True):
            for name, encoding in level.encode(state, at_level).items():
                encodings[name].append(encoding)
                state[name] = encoding.kept
        return tuple(_gathered(encodings[name], self.keeps_noise) for name in self.images)

    def read_conditions(self, images: Images, maps: LevelMaps | None = None) -> Conditions:
        """All that decoding the last image needs from the others, given in order."""
        state = dict(zip(self.images[:-1], images, strict=True))
        conditions = []
        for level, maps_at_level in zip(self.levels, self._per_level(maps), strict=True):
            state, at_level = level.read_conditions(state, maps_at_level, self.images[-1])
            conditions.append(at_level)
        return tuple(conditions)

    def decode(
        self,
        latents: Images,
        conditions: Conditions | None = None,
        from_noise: bool = False,
        image: str | None = None,
    ) -> Array:
        """An image from its latents.

        Args:
            latents: B latents per level.
            conditions: The result of `read_conditions` for b conditions, b dividing B: each serves
                B/b images in a row. None for an image without conditions.
            from_noise: Whether `latents` are noise, standard normal times a temperature, which the
                priors turn into latents; always so if `keeps_noise`.
            image: Name of the image; the last one if not given.
        """
        name = image or self.images[-1]
        per_level = conditions or (None,) * len(self.levels)
        x = latents[-1][..., :0]
        for level, latent, at_level in reversed(
            list(zip(self.levels, latents, per_level, strict=True))
        ):
            x = level.decode(name, x, latent, at_level, from_noise or self.keeps_noise)
        return x

    def _per_level(self, maps: LevelMaps | None) -> list[Maps]:
        return [
            {name: levels[i] for name, levels in (maps or {}).items()}
            for i in range(len(self.levels))
        ]


def _gathered(levels: list[LevelEncoding], as_noise: bool) -> Encoding:
    """One image's encodings at all levels as one encoding."""
    return Encoding(
        tuple(level.noise if as_noise else level.latent for level in levels),
        jnp.stack([level.log_prior for level in levels], axis=-1),
        jnp.stack([level.log_det for level in levels], axis=-1),
    )
