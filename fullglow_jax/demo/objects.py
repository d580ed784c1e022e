"""Photos whose objects can be drawn anew one by one, behind the page."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from fullglow_jax.demo.canvas import Painted
from fullglow_jax.models.batch import Batch
from fullglow_jax.models.interface import Styles
from fullglow_jax.pictures.grid import as_uint8
from fullglow_jax.pictures.marked import marked
from fullglow_jax.sampling.instances import Instance, Instances
from fullglow_jax.sampling.operations import Operations
from fullglow_jax.sampling.palettes import Palette
from fullglow_jax.sampling.restyling import (
    Photo,
    Reference,
    drawn_photo,
    images_of,
    redrawn,
    restyled,
)


class Scene(NamedTuple):
    """A photo as it is now.

    Attributes:
        photo: The photo, by its styles.
        image: uint8 (H, W, 3).
        instances: The instances of its condition.
        draws: The number of the last draw that an object's style was taken of.
    """

    photo: Photo
    image: np.ndarray
    instances: Instances
    draws: int = 0


class Objects:
    """What can be done with the objects of a photo.

    Args:
        operations: The model's.
        batch: A condition, and an image with it, as a batch of one.
        palette: The classes of conditions.
    """

    def __init__(
        self,
        operations: Operations,
        batch: Callable[[Painted, np.ndarray | None], Batch],
        palette: Palette,
    ) -> None:
        self._operations, self._batch, self._palette = operations, batch, palette

    def draw(self, painted: Painted, temperature: float, seed: int) -> Scene:
        """A photo of a condition: the first that `Studio.photos` draws."""
        batch = self._batch(painted, None)
        photo = drawn_photo(self._operations, batch, temperature, seed)
        image = as_uint8(images_of(self._operations, photo)[0])
        return Scene(photo, image, self._instances(batch))

    def redraw(self, scene: Scene, instance: Instance) -> Scene:
        """The photo with one object drawn anew, each time another."""
        number = scene.draws + 1
        styles = redrawn(self._operations, scene.photo, instance.id, [number])
        return self._with(scene, styles)._replace(draws=number)

    def restyle(
        self, scene: Scene, instance: Instance, own: Painted, image: np.ndarray
    ) -> tuple[Scene, Instance, bool]:
        """The photo with one object in the style of its like in another photo.

        Args:
            scene: The photo.
            instance: Its object.
            own: The other photo's condition.
            image: The other photo.

        Returns:
            The photo, the object whose style it got, and whether an encoder has read it.

        Raises:
            UserError: If the other photo has no object of that class.
        """
        batch = self._batch(own, image)
        there = self._instances(batch)
        like = there.like(instance, "The other photo's label map")
        reference = Reference(batch, there.ids, like.id)
        styles, by_encoder = restyled(self._operations, scene.photo, instance.id, reference, 1)
        return self._with(scene, styles), like, by_encoder

    def marked(self, scene: Scene, instance: Instance) -> np.ndarray:
        """The photo with an object marked."""
        return marked(scene.image, scene.instances.mask(instance))

    def _with(self, scene: Scene, styles: Styles) -> Scene:
        photo = scene.photo._replace(styles=styles)
        return scene._replace(photo=photo, image=as_uint8(images_of(self._operations, photo)[0]))

    def _instances(self, batch: Batch) -> Instances:
        (ids,) = self._operations.instance_ids(batch)
        return Instances(ids, batch.condition[0], self._palette)
