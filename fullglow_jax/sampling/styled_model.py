"""What a loaded model does with the styles of instances: NumPy arrays in, NumPy arrays out."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from fullglow_jax.errors import UserError
from fullglow_jax.models.batch import Batch
from fullglow_jax.models.interface import Styles
from fullglow_jax.pictures.grid import as_uint8
from fullglow_jax.sampling.instances import Instance, Instances
from fullglow_jax.sampling.operations import Operations
from fullglow_jax.sampling.palettes import model_palette
from fullglow_jax.sampling.restyling import Photo, Reference, redrawn, restyled
from fullglow_jax.settings import rules


class StyledModel(ABC):
    """The methods of `LoadedModel` for models that draw a style for each instance.

    Attributes:
        config: The config that the model was trained with.
    """

    config: ConfigDict
    _operations: Operations

    @abstractmethod
    def _temperature_or_own(self, temperature: float | None) -> float:
        """The temperature if one is asked for, or the model's own."""

    @abstractmethod
    def _batch(
        self,
        images: Any,
        conditions: Any,
        boundaries: Any = None,
        label: Any = None,
        name: str = "conditions",
        blanks: int = 0,
        instances: Any = None,
    ) -> Batch:
        """The arguments as a batch; see `LoadedModel`."""

    def instance_ids(self, conditions: Any, *, instances: Any = None) -> np.ndarray:
        """The ids of the instances that styles are of, int32 (N, H, W).

        They are those of `instances`, or the classes, where each class is one instance.
        """
        return self._operations.instance_ids(self._conditions(conditions, instances))

    def draw_styles(
        self,
        conditions: Any,
        *,
        instances: Any = None,
        samples: int = 1,
        temperature: float | None = None,
        seed: int = 0,
    ) -> Styles:
        """The styles of the images that `sample` draws with the same arguments.

        Returns:
            NumPy arrays with N·samples rows, each condition's in a row. `image` is noise of whole
            images, `ids` are those of their instances, and `instances` their styles.
        """
        temperature = self._temperature_or_own(temperature)
        check_draws(samples, seed)
        batch = self._conditions(conditions, instances)
        return self._operations.draw_styles(batch, range(samples), temperature, seed)

    def sample_styled(
        self, conditions: Any, styles: Styles, *, instances: Any = None
    ) -> np.ndarray:
        """The images of some styles.

        Args:
            conditions: (N, H, W, 3).
            styles: N·n of them, n in a row for each condition.
            instances: (N, H, W), ids, for models that read them.

        Returns:
            float32 (N, n, H, W, 3) in [0, 1].
        """
        batch = self._conditions(conditions, instances)
        count = len(batch.condition)
        if not len(styles.ids) or len(styles.ids) % count:
            raise UserError(
                f"there are {len(styles.ids)} styles for {count} conditions: expected as many for "
                "each."
            )
        images = self._operations.sample_styled(batch, styles)
        return images.reshape(count, -1, *batch.condition.shape[1:])

    def redraw_instance(
        self,
        condition: Any,
        styles: Styles,
        instance: int | None = None,
        *,
        at: tuple[int, int] | None = None,
        instances: Any = None,
        samples: int = 1,
        temperature: float | None = None,
        seed: int = 1,
    ) -> Styles:
        """One image's styles with one instance drawn anew, and all else kept, `samples` of them.

        Args:
            condition: (1, H, W, 3).
            styles: One image's, as `draw_styles` gives them.
            instance: The instance's id; or name a pixel of it.
            at: (row, column) of the pixel.
            instances: (1, H, W), ids, for models that read them.
            samples: How many.
            temperature: As in `sample`, of the instance.
            seed: Seed of its noise. That of the image would give the image itself first.
        """
        batch, chosen = self._chosen(condition, styles, instance, at, instances)
        temperature = self._temperature_or_own(temperature)
        check_draws(samples, seed)
        photo = Photo(batch, styles, temperature, seed)
        return redrawn(self._operations, photo, chosen.id, range(samples))

    def restyle_instance(
        self,
        condition: Any,
        styles: Styles,
        instance: int | None = None,
        *,
        reference: Any,
        reference_condition: Any,
        reference_instance: int | None = None,
        at: tuple[int, int] | None = None,
        instances: Any = None,
        reference_instances: Any = None,
        samples: int = 1,
        temperature: float | None = None,
        seed: int = 1,
    ) -> Styles:
        """One image's styles with one instance's like that of a reference, `samples` of them.

        A model with an encoder reads the style off the reference, and draws with the deviation that
        it reads there. For one without, 32 random styles are drawn, and those are taken, the
        nearest first, whose instance has a colour most like the reference's, in mean and deviation.

        Args:
            condition: As in `redraw_instance`, and so are all arguments that are not named here.
            styles: One image's.
            instance: The instance's id.
            reference: (1, H, W, 3), a photo.
            reference_condition: (1, H, W, 3), its label map.
            reference_instance: The id of its instance; if not given, the one of the same class that
                is nearest in size.
            at: (row, column) of a pixel, in place of the instance's id.
            instances: (1, H, W), ids.
            reference_instances: (1, H, W), the ids of the reference's instances.
            samples: How many.
            temperature: Factor of the noise's deviation.
            seed: Seed of the noise.

        Raises:
            UserError: If the reference has no instance of that class, or of that id.
        """
        batch, chosen = self._chosen(condition, styles, instance, at, instances)
        temperature = self._temperature_or_own(temperature)
        check_draws(samples, seed)
        other = self._batch(reference, reference_condition, instances=reference_instances)
        check_count("references", len(other.target), "instances", 1)
        there = self._instances_of(other)
        like = (
            there.like(chosen, "reference")
            if reference_instance is None
            else there.find(reference_instance, "reference_instance")
        )
        photo, of = Photo(batch, styles, temperature, seed), Reference(other, there.ids, like.id)
        return restyled(self._operations, photo, chosen.id, of, samples)[0]

    def _chosen(
        self,
        condition: Any,
        styles: Styles,
        instance: int | None,
        at: tuple[int, int] | None,
        instances: Any,
    ) -> tuple[Batch, Instance]:
        """A batch of one condition, and the instance of this id, or at this pixel."""
        batch = self._conditions(condition, instances)
        check_count("conditions", len(batch.condition), "styles", len(styles.ids))
        check_count("conditions", len(batch.condition), "instances", 1)
        if (instance is None) == (at is None):
            raise UserError("give either instance, an id, or at, the (row, column) of a pixel.")
        there = self._instances_of(batch)
        found = there.find(int(instance or 0), "instance") if at is None else there.at(*at, "at")
        if found.id not in styles.ids:
            raise UserError(
                f"the styles have none of the instance {found.name}: they are of another condition "
                "or of other instances. Draw them with the same ones."
            )
        return batch, found

    def _instances_of(self, batch: Batch) -> Instances:
        (ids,) = self._operations.instance_ids(batch)
        return Instances(ids, as_uint8(batch.condition[0]), model_palette(self.config))

    def _conditions(self, conditions: Any, instances: Any) -> Batch:
        return self._batch(None, conditions, instances=instances)


def check_draws(samples: int, seed: int) -> None:
    """Checks the numbers that say what is drawn.

    Raises:
        UserError: If one is out of its range.
    """
    rules.integer().check(samples, "samples")
    rules.seed().check(seed, "seed")


def check_count(name: str, count: int, other: str, expected: int) -> None:
    """Checks that there are as many of one thing as of another.

    Raises:
        UserError: If not.
    """
    if count != expected:
        raise UserError(
            f"there are {count} {name} for {expected} {other}: expected as many, one each."
        )
