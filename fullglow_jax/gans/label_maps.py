"""What a GAN whose instances have styles reads of a batch: its label maps."""

from dataclasses import dataclass

import jax.numpy as jnp
from jax import Array

from fullglow_jax.gans.class_ids import PALETTES, class_ids
from fullglow_jax.gans.instances import instances_of
from fullglow_jax.gans.reading import Reading, signed
from fullglow_jax.gans.scene import Scene, for_discriminator
from fullglow_jax.models.batch import Batch


@dataclass(frozen=True)
class LabelMaps:
    """The classes and instances of label maps, which are the conditions of a batch.

    Attributes:
        palette: One of `PALETTES`.
        classes: Classes, without the unknown one.
        unknown: Whether pixels of any other colour are of one more class, the last.
        instances: The most instances of an image; 0 if each class is one instance.
    """

    palette: str
    classes: int
    unknown: bool
    instances: int

    @property
    def count(self) -> int:
        """Classes, the unknown one included."""
        return self.classes + self.unknown

    def reading(self, encoder: bool) -> Reading:
        """What networks read of them; in training, an encoder reads the true photo."""
        return Reading(
            drawing=self.scene,
            training=self.photographed if encoder else self.scene,
            discriminator=self.judged,
        )

    def class_map(self, batch: Batch) -> Array:
        """(B, H, W), int32."""
        colours = PALETTES[self.palette][: self.classes]
        return class_ids(batch.condition, colours, self.unknown)

    def id_map(self, batch: Batch) -> Array:
        """The instances' ids, (B, H, W), int32."""
        return jnp.asarray(batch.instances) if self.instances else self.class_map(batch)

    def scene(self, batch: Batch) -> Scene:
        """What a generator reads to draw."""
        found = instances_of(self.id_map(batch), self.instances or self.count)
        return Scene(self.class_map(batch), found.places, found.ids)

    def photographed(self, batch: Batch) -> Scene:
        """What a generator and its encoder read."""
        return self.scene(batch)._replace(photo=signed(batch.target))

    def judged(self, batch: Batch) -> Array:
        """What a discriminator reads beside an image, (B, H, W, count + 1)."""
        return for_discriminator(self.class_map(batch), self.id_map(batch), self.count)
