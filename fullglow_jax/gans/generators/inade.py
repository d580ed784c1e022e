"""INADE: images whose instances have styles of their own (Tan et al. 2021)."""

from typing import NamedTuple

import flax.linen as nn
from jax import Array

from fullglow_jax.gans.generators.instance_encoder import InstanceEncoder, StyleDistribution
from fullglow_jax.gans.generators.modulated import ModulatedGenerator
from fullglow_jax.gans.noise import StyleNoise
from fullglow_jax.gans.scene import Scene
from fullglow_jax.layers.norms import OF_IMAGE


class Shared(NamedTuple):
    """All that draws of one scene share.

    Attributes:
        scene: The scene, without its photo.
        styles: Those of its photo; None without one.
    """

    scene: Scene
    styles: StyleDistribution | None

    @property
    def ids(self) -> Array:
        """The ids of the scene's instances, (B, N)."""
        return self.scene.ids


class Inade(nn.Module):
    """A generator of scenes, whose instances get styles as drawn, or like those in a photo.

    Attributes:
        generator: The generator.
        encoder: The encoder of photos; None for a generator that only draws.
    """

    generator: ModulatedGenerator
    encoder: InstanceEncoder | None = None

    def __call__(self, scene: Scene, noise: StyleNoise, statistics: str = OF_IMAGE) -> Array:
        """The image, float32 (B, H, W, features) in [−1, 1].

        Args:
            scene: The label maps, and a photo where there is an encoder and styles are like it.
            noise: Normal noise for the image and for each of the scene's instances.
            statistics: Those of batch norms.
        """
        return self.drawn(self.shared(scene, statistics), noise, statistics)

    def with_terms(
        self, scene: Scene, noise: StyleNoise, statistics: str = OF_IMAGE
    ) -> tuple[Array, dict[str, Array]]:
        """The image, and "kl", (B,), of the photo's styles: see `StyleDistribution.divergence`."""
        shared = self.shared(scene, statistics)
        terms = {} if shared.styles is None else {"kl": shared.styles.divergence()}
        return self.drawn(shared, noise, statistics), terms

    def shared(self, scene: Scene, statistics: str = OF_IMAGE) -> Shared:
        """All that does not depend on noise; arguments are those of `__call__`."""
        del statistics
        return Shared(scene._replace(photo=None), self.styles(scene))

    def styles(self, scene: Scene) -> StyleDistribution | None:
        """The styles of the instances of the scene's photo; None without encoder or photo."""
        if self.encoder is None or scene.photo is None:
            return None
        styles: StyleDistribution = self.encoder(scene.photo, scene.places, scene.ids.shape[1])
        return styles

    def drawn(self, shared: Shared, noise: StyleNoise, statistics: str = OF_IMAGE) -> Array:
        """The image, from the result of `shared`; other arguments are those of `__call__`."""
        scene, styles = shared
        if styles is not None:
            noise = noise._replace(instances=styles.remapped(noise.instances))
        image: Array = self.generator(scene.classes, scene.places, noise, statistics)
        return image
