"""A trained model to use from one's own code: NumPy arrays in, NumPy arrays out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from fullglow_jax.data.boundary import boundary_pyramid
from fullglow_jax.errors import UserError
from fullglow_jax.models.interface import Batch
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.sampling.operations import Operations
from fullglow_jax.training.trained import load_trained, stored_config


class LoadedModel:
    """A trained model and all that it can do.

    **Images** go in as (N, H, W, 3), uint8 0…255 or float in [0, 1], all of the size that the
    model was trained at (`image_size`), and come out as float32 (N, H, W, 3) in [0, 1].
    **Conditions** are such images too: label maps, painted as those it was trained on. Models that
    read boundary maps want these beside them: `boundaries`, 255 or 1.0 where two objects meet.
    Models that read no conditions want none.

    N may be any number: images are computed in batches of one shape, the last one filled up, on
    all devices there are. Every method is compiled when it is first called. The same seed gives
    the same images, up to rounding, whatever the batch size: the noise of an image depends on the
    seed, on its condition's place among the conditions and on its own number among its samples.

    Attributes:
        config: What it was trained with.
        step: The checkpoint's training step.
        image_size: (H, W).
        reads_conditions: Whether it models images given conditions.
        reads_boundaries: Whether boundary maps go with them.
        latent_shapes: (h, w, c) of each level's latent.
    """

    def __init__(self, config: ConfigDict, operations: Operations) -> None:
        architecture = operations.trained.architecture
        self.config = config
        self.step: int = operations.trained.step
        self.image_size: tuple[int, int] = architecture.image_size
        self.reads_conditions: bool = operations.reads_conditions
        self.reads_boundaries: bool = architecture.boundary and self.reads_conditions
        self.latent_shapes: tuple[tuple[int, int, int], ...] = architecture.latent_shapes
        self._operations = operations
        self._shape = (*self.image_size, architecture.channels)
        self._boundary_spec = architecture.boundary_spec

    def sample(
        self,
        conditions: Any = None,
        *,
        boundaries: Any = None,
        samples: int = 1,
        temperature: float = 0.7,
        seed: int = 0,
    ) -> np.ndarray:
        """Images drawn under conditions; sample.py's, for the same conditions and seed.

        Args:
            conditions: (N, H, W, 3); None for a model without, which counts as one condition.
            boundaries: (N, H, W, 3), for models that read them.
            samples: Images for each condition. Of these numbers, each is compiled once.
            temperature: Factor of the noise's deviation, 0 or more; 1 samples from the density.
            seed: Of the noise.

        Returns:
            float32 (N, samples, H, W, 3) in [0, 1].

        Raises:
            UserError: An argument's shape, type or range is wrong, or it means nothing here.
        """
        _check_least(samples, 1, "samples")
        _check_least(temperature, 0, "temperature")
        batch = (
            self._batch(None, conditions, boundaries)
            if self.reads_conditions or conditions is not None
            else self._operations.blank(1)
        )
        images = np.zeros((len(batch.condition), samples, *self._shape), np.float32)
        for place, number, image in self._operations.draw(batch, samples, temperature, seed):
            images[place, number] = image
        return images

    def sample_conditions(
        self, count: int = 1, *, temperature: float = 0.7, seed: int = 0
    ) -> np.ndarray:
        """Conditions drawn from the model's own density of them: label maps, say.

        Args:
            count: How many.
            temperature: Factor of the noise's deviation, 0 or more.
            seed: Of the noise.

        Returns:
            float32 (count, H, W, 3) in [0, 1].

        Raises:
            UserError: The model draws no conditions, or an argument is out of range.
        """
        _check_least(count, 1, "count")
        _check_least(temperature, 0, "temperature")
        return self._operations.draw_conditions(count, temperature, seed)

    def encode(
        self, images: Any, conditions: Any = None, *, boundaries: Any = None
    ) -> tuple[np.ndarray, ...]:
        """Images to latents, under their conditions.

        No noise is added, so that `decode` gives the images back.

        Args:
            images: (N, H, W, 3).
            conditions: (N, H, W, 3), one each.
            boundaries: (N, H, W, 3), for models that read them.

        Returns:
            One float32 array a level, finest first: (N, h, w, c), as in `latent_shapes`.

        Raises:
            UserError: An argument's shape, type or range is wrong, or the model has no latents.
        """
        encoding = self._operations.encode(self._batch(images, conditions, boundaries))
        return tuple(map(np.asarray, encoding.latents))

    def decode(
        self, latents: Sequence[np.ndarray], conditions: Any = None, *, boundaries: Any = None
    ) -> np.ndarray:
        """Latents to images, under conditions: those they were encoded under, or others.

        Args:
            latents: One array a level, as `encode` returns them.
            conditions: (N, H, W, 3), one each.
            boundaries: (N, H, W, 3), for models that read them.

        Returns:
            float32 (N, H, W, 3) in [0, 1], clipped.

        Raises:
            UserError: An argument's shape, type or range is wrong, or the model has no latents.
        """
        levels = self._latents(latents)
        count = len(levels[0])
        batch = (
            self._batch(None, conditions, boundaries)
            if self.reads_conditions or conditions is not None
            else self._operations.blank(count)
        )
        _check_count("conditions", len(batch.condition), "latents", count)
        return self._operations.decode(batch, levels)

    def reconstruct(
        self, images: Any, conditions: Any = None, *, boundaries: Any = None
    ) -> np.ndarray:
        """Images encoded and decoded again: themselves, but for rounding.

        Args:
            images: (N, H, W, 3).
            conditions: (N, H, W, 3), one each.
            boundaries: (N, H, W, 3), for models that read them.

        Returns:
            float32 (N, H, W, 3) in [0, 1].

        Raises:
            UserError: An argument's shape, type or range is wrong, or the model has no latents.
        """
        batch = self._batch(images, conditions, boundaries)
        return self._operations.transfer(batch, batch)

    def transfer(
        self,
        images: Any,
        conditions: Any,
        onto: Any,
        *,
        boundaries: Any = None,
        onto_boundaries: Any = None,
    ) -> np.ndarray:
        """The content of images under the structure of other conditions.

        Args:
            images: (N, H, W, 3), whose content is taken.
            conditions: (N, H, W, 3), the images' own.
            onto: (N, H, W, 3), conditions to give that content to.
            boundaries: (N, H, W, 3), of `conditions`, for models that read them.
            onto_boundaries: (N, H, W, 3), of `onto`, likewise.

        Returns:
            float32 (N, H, W, 3) in [0, 1].

        Raises:
            UserError: An argument's shape, type or range is wrong, or the model has no latents or
                reads no conditions.
        """
        content = self._batch(images, conditions, boundaries)
        structure = self._batch(None, onto, onto_boundaries, "onto")
        _check_count("onto", len(structure.condition), "images", len(content.target))
        return self._operations.transfer(content, structure)

    def log_prob(
        self, images: Any, conditions: Any = None, *, boundaries: Any = None
    ) -> np.ndarray:
        """log p(image | condition) in nats: the density at the images as they are, without noise.

        For figures to compare with others' see `bits_per_dim`, which averages over the pixels'
        quantisation.

        Args:
            images: (N, H, W, 3).
            conditions: (N, H, W, 3), one each.
            boundaries: (N, H, W, 3), for models that read them.

        Returns:
            float32 (N,).

        Raises:
            UserError: An argument's shape, type or range is wrong, or the model has no latents.
        """
        encoding = self._operations.encode(self._batch(images, conditions, boundaries))
        return np.asarray((encoding.log_prior + encoding.log_det).sum(-1))

    def bits_per_dim(
        self, images: Any, conditions: Any = None, *, boundaries: Any = None, seed: int = 0
    ) -> dict[str, np.ndarray]:
        """Bits per dimension of each image, dequantised, as eval.py scores them.

        Args:
            images: (N, H, W, 3).
            conditions: (N, H, W, 3), one each.
            boundaries: (N, H, W, 3), for models that read them.
            seed: Of the dequantisation noise.

        Returns:
            float32 (N,) by name: "conditional", of the image given its condition, and "source", of
            the condition; "image" for models without; and what they are made of.

        Raises:
            UserError: An argument's shape, type or range is wrong.
        """
        return self._operations.bits_per_dim(self._batch(images, conditions, boundaries), seed)

    def _batch(
        self, images: Any, conditions: Any, boundaries: Any, name: str = "conditions"
    ) -> Batch:
        """Arguments as the model takes them; without images there are conditions alone."""
        pictures = None if images is None else self._images(images, "images")
        if not self.reads_conditions:
            if conditions is not None or boundaries is not None or pictures is None:
                raise UserError(
                    f"this model, a {self.config.model.name}, reads no conditions: leave out "
                    f"{name} and boundaries. It cannot transfer content between them either."
                )
            return Batch(pictures, pictures)
        if conditions is None:
            raise UserError(f"{name} are missing: this model's images depend on them.")
        given = self._images(conditions, name)
        if pictures is not None:
            _check_count(name, len(given), "images", len(pictures))
        return Batch(
            given, given if pictures is None else pictures, self._levels(boundaries, given)
        )

    def _levels(self, boundaries: Any, conditions: np.ndarray) -> tuple[np.ndarray, ...]:
        """Boundary maps at every level's size."""
        spec = self._boundary_spec
        if (boundaries is not None) != (spec is not None):
            raise UserError(
                f"boundaries are {'missing' if spec else 'given'}, and this model "
                f"(config.model.condition={self.config.model.condition!r}) "
                f"{'reads them, one for each condition' if spec else 'reads none'}."
            )
        if spec is None:
            return ()
        maps = self._images(boundaries, "boundaries")
        _check_count("boundaries", len(maps), "conditions", len(conditions))
        if maps.dtype != np.uint8:
            maps = (maps * 255 + 0.5).astype(np.uint8)
        pyramids = [boundary_pyramid(each, spec.sizes, spec.ceil) for each in maps]
        return tuple(map(np.stack, zip(*pyramids, strict=True)))

    def _images(self, images: Any, name: str) -> np.ndarray:
        """uint8 as they are, floats as float32.

        Raises:
            UserError: They are no such images.
        """
        array = np.asarray(images)
        if array.ndim != 4 or array.shape[1:] != self._shape or not len(array):
            expected = f"(N, {', '.join(map(str, self._shape))})"
            hint = "; a single image is IMAGE[None]" if array.shape == self._shape else ""
            raise UserError(f"{name} have the shape {array.shape}, not {expected}{hint}.")
        if array.dtype == np.uint8:
            return array
        if not np.issubdtype(array.dtype, np.floating):
            raise UserError(f"{name} are {array.dtype}, neither uint8 nor float.")
        low, high = array.min(), array.max()
        if not (low >= 0 and high <= 1):
            raise UserError(
                f"{name} are floats from {low:g} to {high:g}, where [0, 1] was expected: divide "
                "by 255, clip, or give uint8."
            )
        return array.astype(np.float32)

    def _latents(self, latents: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
        levels = tuple(np.asarray(level, np.float32) for level in latents)
        count = len(levels[0]) if levels and levels[0].ndim else 0
        expected = tuple((count, *shape) for shape in self.latent_shapes)
        shapes = tuple(level.shape for level in levels)
        if not count or shapes != expected:
            wanted = ", ".join(f"(N, {h}, {w}, {c})" for h, w, c in self.latent_shapes)
            raise UserError(f"latents have the shapes {shapes}, not {wanted}.")
        return levels


def load(workdir: str | Path, checkpoint: str = "latest", *, batch_size: int = 8) -> LoadedModel:
    """Loads a trained model; see `fullglow_jax.load`."""
    folder = Path(workdir).expanduser()
    _check_least(batch_size, 1, "batch_size")
    config = stored_config(folder, checkpoint)
    devices = Devices()
    trained = load_trained(config, folder, checkpoint, devices)
    return LoadedModel(config, Operations(trained, config.model.name, devices, batch_size))


def _check_least(value: float, least: float, name: str) -> None:
    if not value >= least:
        raise UserError(f"{name}={value} must be {least} or more.")


def _check_count(name: str, count: int, other: str, expected: int) -> None:
    if count != expected:
        raise UserError(
            f"there are {count} {name} for {expected} {other}: expected as many, one each."
        )
