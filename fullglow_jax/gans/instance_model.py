"""A GAN that draws a style for each instance of a label map, as a model."""

from typing import Any

import jax.numpy as jnp
from jax import Array

from fullglow_jax.gans.label_maps import LabelMaps
from fullglow_jax.gans.learner import generator_of
from fullglow_jax.gans.model import GanModel, repeated
from fullglow_jax.gans.noise import StyleNoise
from fullglow_jax.models.batch import Batch
from fullglow_jax.models.interface import PyTree, Styles


class InstanceGan(GanModel):
    """A GAN whose noise is a style for each image and for each of its instances.

    Its generator has a method `styles` besides, for the distributions of the styles that instances
    have in a photo.

    Args:
        label_maps: What is read of label maps.
        image_noise: Values of the noise of an image as a whole.
        encoder: Whether the generator can tell the styles in photos.
        options: The arguments of `GanModel`.
    """

    def __init__(
        self,
        *networks: Any,
        label_maps: LabelMaps,
        image_noise: int,
        encoder: bool,
        **options: Any,
    ) -> None:
        super().__init__(*networks, reading=label_maps.reading(encoder), **options)
        self.label_maps, self.image_noise, self.encoder = label_maps, image_noise, encoder

    def instance_ids(self, batch: Batch) -> Array:
        """The ids that the model works with, (B, H, W) int32."""
        return self.label_maps.id_map(batch)

    def draw_styles(
        self, variables: PyTree, conditions: PyTree, keys: Array, temperature: Array
    ) -> Styles:
        """Styles of the images that `sample` draws with the same arguments."""
        del variables
        shared = repeated(conditions, len(keys))
        image, instances = self.noise(keys, temperature, shared)
        return Styles(image, shared.ids, instances)

    def sample_styled(self, variables: PyTree, conditions: PyTree, styles: Styles) -> Array:
        """The images of some styles, in a row for each condition."""
        shared = repeated(conditions, len(styles.image))
        return self._drawn(variables, shared, StyleNoise(styles.image, styles.instances))

    def read_styles(self, variables: PyTree, batch: Batch) -> tuple[Styles, Styles] | None:
        """Mean and deviation of the styles of a batch's targets; None without an encoder."""
        if not self.encoder:
            return None
        scene = self.label_maps.photographed(batch)
        found = self._generate(generator_of(variables), scene, method="styles")
        zeros = jnp.zeros((len(scene.ids), self.image_noise))
        return (
            Styles(zeros, scene.ids, found.mean),
            Styles(zeros + 1, scene.ids, jnp.exp(0.5 * found.log_variance)),
        )
