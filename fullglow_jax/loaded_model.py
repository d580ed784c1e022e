"""Trained models for use in Python: NumPy arrays in, NumPy arrays out."""

from collections.abc import Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from fullglow_jax.data.boundary import boundary_pyramid
from fullglow_jax.data.classes import class_index, listed
from fullglow_jax.errors import UserError, with_article
from fullglow_jax.files.paths import user_path
from fullglow_jax.models.batch import Batch
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.pictures.grid import as_uint8
from fullglow_jax.runs.trained import load_trained, stored_config
from fullglow_jax.sampling.instance_maps import connected_instances
from fullglow_jax.sampling.operations import Operations
from fullglow_jax.sampling.palettes import cityscapes_palette, model_palette
from fullglow_jax.sampling.styled_model import StyledModel, check_count, check_draws
from fullglow_jax.settings import rules

Label = str | int | Sequence[str | int] | None
"""A class's name for all images, or one for each; digits may be numbers."""


class LoadedModel(StyledModel):
    """A trained model and its operations.

    **Images** go in as (N, H, W, 3), uint8 0…255 or float in [0, 1], all of the size that the
    model was trained at (`image_size`), and come out as float32 (N, H, W, 3) in [0, 1].
    **Conditions** are images of the same kind: label maps in the colours of the training data.
    Models that read boundary maps also need `boundaries`, 255 or 1.0 where two objects meet. Models
    that read no conditions take none. Models that read classes need a `label`: the name of one of
    `classes` for all images, or one name for each. Models that read instance ids take `instances`,
    int (N, H, W); without, each connected region of a countable class is an instance, and every
    other class is one. A model of n < 8 bits per channel
    (config.data.bits) reduces pixels p of images and conditions, uint8 or float, to the 2ⁿ values
    ⌊p / 2^(8−n)⌋ / 2ⁿ.

    N may be any number: images are computed in batches of one shape, the last one filled up, on
    all devices. Every method is compiled at its first call. The same seed gives the same images, up
    to rounding, for any batch size: the noise of an image depends on the seed, on its condition's
    place among the conditions and on its number among the condition's samples.

    Every method raises a `UserError` if an argument's shape, type or range is wrong, or has no
    effect here, and if the model lacks what it needs: latents, a likelihood, or conditions.

    Attributes:
        config: The config that it was trained with.
        step: The checkpoint's training step.
        image_size: (H, W).
        reads_conditions: Whether it models images given conditions.
        reads_boundaries: Whether it also reads boundary maps.
        latent_shapes: (h, w, c) of each level's latent.
        classes: Names of the classes that it reads; () if it reads none.
        most_instances: The most instances of an image that it takes; 0 if it reads no ids of them.
        temperature: The temperature of samples if none is asked for.
    """

    def __init__(self, config: ConfigDict, operations: Operations) -> None:
        shapes = operations.shapes
        self.config = config
        self.step: int = operations.trained.step
        self.image_size: tuple[int, int] = shapes.image_size
        self.reads_conditions: bool = operations.reads_conditions
        self.reads_boundaries: bool = shapes.boundary and self.reads_conditions
        self.latent_shapes: tuple[tuple[int, int, int], ...] = shapes.latent_shapes
        labelled = shapes.annotations.label
        self.classes: tuple[str, ...] = tuple(config.data.classes) if labelled else ()
        self.most_instances: int = shapes.annotations.instances
        self.temperature: float = config.train.temperature
        self._operations = operations
        self._shape = shapes.image
        self._annotations = shapes.annotations

    def sample(
        self,
        conditions: Any = None,
        *,
        boundaries: Any = None,
        label: Label = None,
        instances: Any = None,
        samples: int = 1,
        temperature: float | None = None,
        seed: int = 0,
    ) -> np.ndarray:
        """Images drawn under conditions, the same as sample.py's for the same conditions and seed.

        Args:
            conditions: (N, H, W, 3). For a model without, None: there are N labels, or N is 1.
            boundaries: (N, H, W, 3), for models that read them.
            label: The class of all, or N of them, for models that read classes.
            instances: (N, H, W), ids, for models that read them.
            samples: Number of images for each condition. Each new number is compiled once.
            temperature: Factor of the noise's deviation, 0 or more; 1 samples from the density. The
                model's own, if not given.
            seed: Seed of the noise.

        Returns:
            float32 (N, samples, H, W, 3) in [0, 1].
        """
        temperature = self._temperature_or_own(temperature)
        check_draws(samples, seed)
        blanks = 1 if label is None else max(1, len(_names(label)))
        batch = self._batch(None, conditions, boundaries, label, blanks=blanks, instances=instances)
        images = np.zeros((len(batch.condition), samples, *self._shape), np.float32)
        for place, number, image in self._operations.draw(batch, samples, temperature, seed):
            images[place, number] = image
        return images

    def sample_conditions(
        self, count: int = 1, *, temperature: float | None = None, seed: int = 0
    ) -> np.ndarray:
        """Conditions, for example label maps, drawn from the model's density of them.

        The arguments are as in `sample`. The result is float32 (count, H, W, 3) in [0, 1].
        """
        rules.integer().check(count, "count")
        temperature = self._temperature_or_own(temperature)
        rules.seed().check(seed, "seed")
        return self._operations.draw_conditions(count, temperature, seed)

    def _temperature_or_own(self, temperature: float | None) -> float:
        if temperature is None:
            return self.temperature
        rules.number().check(temperature, "temperature")
        return temperature

    def encode(
        self, images: Any, conditions: Any = None, *, boundaries: Any = None, label: Label = None
    ) -> tuple[np.ndarray, ...]:
        """The latents of images, under their conditions and classes.

        No noise is added, so that `decode` restores the images, in the model's bits.

        Returns:
            One float32 array per level, finest first: (N, h, w, c), as in `latent_shapes`.
        """
        encoding = self._operations.encode(self._batch(images, conditions, boundaries, label))
        return tuple(map(np.asarray, encoding.latents))

    def decode(
        self,
        latents: Sequence[np.ndarray],
        conditions: Any = None,
        *,
        boundaries: Any = None,
        label: Label = None,
    ) -> np.ndarray:
        """Images from latents, under the conditions of the encoding or under others.

        Args:
            latents: One array per level, as `encode` returns them.
            conditions: (N, H, W, 3), one each.
            boundaries: (N, H, W, 3), for models that read them.
            label: The class of all, or N of them, for models that read classes.

        Returns:
            float32 (N, H, W, 3) in [0, 1], clipped.
        """
        levels = self._latents(latents)
        count = len(levels[0])
        batch = self._batch(None, conditions, boundaries, label, blanks=count)
        check_count("conditions", len(batch.condition), "latents", count)
        return self._operations.decode(batch, levels)

    def reconstruct(
        self, images: Any, conditions: Any = None, *, boundaries: Any = None, label: Label = None
    ) -> np.ndarray:
        """Images after encoding and decoding: the same in the model's bits, up to rounding."""
        return self._operations.reconstruct(self._batch(images, conditions, boundaries, label))

    def transfer(
        self,
        images: Any,
        conditions: Any = None,
        onto: Any = None,
        *,
        boundaries: Any = None,
        onto_boundaries: Any = None,
        label: Label = None,
        onto_label: Label = None,
    ) -> np.ndarray:
        """The content of images under the structure of other conditions, or under other classes.

        Args:
            images: (N, H, W, 3), the content.
            conditions: (N, H, W, 3), the conditions of `images`.
            onto: (N, H, W, 3), the conditions that get the content.
            boundaries: (N, H, W, 3), of `conditions`, for models that read them.
            onto_boundaries: (N, H, W, 3), of `onto`, for models that read them.
            label: The class of all images, or N of them, for models that read classes.
            onto_label: The class that they get, or N of them; their own if not given.
        """
        content = self._batch(images, conditions, boundaries, label)
        onto_label = label if onto_label is None else onto_label
        structure = self._batch(
            None, onto, onto_boundaries, onto_label, "onto", blanks=len(content.target)
        )
        check_count("onto", len(structure.condition), "images", len(content.target))
        return self._operations.transfer(content, structure)

    def log_prob(
        self, images: Any, conditions: Any = None, *, boundaries: Any = None, label: Label = None
    ) -> np.ndarray:
        """log p(image | condition) in nats, float32 (N,): the density at the images, without noise.

        To compare models, use `bits_per_dim`, which averages over the pixels' quantisation.
        """
        encoding = self._operations.encode(self._batch(images, conditions, boundaries, label))
        return np.asarray((encoding.log_prior + encoding.log_det).sum(-1))

    def bits_per_dim(
        self,
        images: Any,
        conditions: Any = None,
        *,
        boundaries: Any = None,
        label: Label = None,
        seed: int = 0,
    ) -> dict[str, np.ndarray]:
        """Bits per dimension of each image, dequantised, as in eval.py.

        The dequantisation noise depends on the seed.

        Returns:
            float32 (N,) by name: "conditional" for the image given its condition, and "source" for
            the condition; "image" for models without conditions; and their parts.
        """
        rules.seed().check(seed, "seed")
        batch = self._batch(images, conditions, boundaries, label)
        return self._operations.bits_per_dim(batch, seed)

    def _batch(
        self,
        images: Any,
        conditions: Any,
        boundaries: Any = None,
        label: Label = None,
        name: str = "conditions",
        blanks: int = 0,
        instances: Any = None,
    ) -> Batch:
        """The arguments as a batch; without images, it has conditions only.

        A model that reads none gets a batch of so many blanks instead.
        """
        pictures = None if images is None else self._images(images, "images")
        if not self.reads_conditions:
            pictures = self._operations.blank(blanks).target if blanks else pictures
            if conditions is not None or boundaries is not None or pictures is None:
                raise UserError(
                    f"this model, {with_article(self.config.model.name)}, reads no conditions: "
                    "leave out "
                    f"{name} and boundaries. It cannot transfer content between them either."
                )
            return Batch(pictures, pictures, label=self._labels(label, len(pictures)))
        if conditions is None:
            raise UserError(f"{name} are missing: this model's images depend on them.")
        given = self._images(conditions, name)
        if pictures is not None:
            check_count(name, len(given), "images", len(pictures))
        return Batch(
            given,
            given if pictures is None else pictures,
            self._levels(boundaries, given),
            self._instances(instances, given),
            self._labels(label, len(given)),
        )

    def _labels(self, label: Label, count: int) -> np.ndarray | None:
        """The classes of so many images, int32 (count,), from their names."""
        if (label is not None) != bool(self.classes):
            raise UserError(
                f"label is missing: this model reads a class; there are {listed(self.classes)}."
                if self.classes
                else f"label is given, and this model, {with_article(self.config.model.name)}, "
                "reads no class."
            )
        if label is None:
            return None
        labels = [class_index(name, self.classes, "label") for name in _names(label)]
        if isinstance(label, str | int):
            labels *= count
        check_count("labels", len(labels), "images", count)
        return np.array(labels, np.int32)

    def _levels(self, boundaries: Any, conditions: np.ndarray) -> tuple[np.ndarray, ...]:
        """Boundary maps at every level's size."""
        asked = self._annotations
        if (boundaries is not None) != bool(asked.boundary):
            raise UserError(
                f"boundaries are {'missing' if asked.boundary else 'given'}, and this model "
                f"(config.data.boundary={self.config.data.boundary!r}) "
                f"{'reads them, one for each condition' if asked.boundary else 'reads none'}."
            )
        if boundaries is None:
            return ()
        maps = self._images(boundaries, "boundaries")
        check_count("boundaries", len(maps), "conditions", len(conditions))
        if maps.dtype != np.uint8:
            maps = (maps * 255 + 0.5).astype(np.uint8)
        pyramids = [boundary_pyramid(each, asked) for each in maps]
        return tuple(map(np.stack, zip(*pyramids, strict=True)))

    def _instances(self, instances: Any, conditions: np.ndarray) -> np.ndarray | None:
        """The ids of the conditions' instances, int32 (N, H, W); found, if they are not given."""
        most = self.most_instances
        if instances is None:
            return self._found_instances(conditions) if most else None
        array, size = np.asarray(instances), (len(conditions), *self.image_size)
        if not most:
            raise UserError(
                f"instances are given, and this model, {with_article(self.config.model.name)}, "
                "reads no ids of "
                "them. Leave them out."
            )
        if array.shape != size or not np.issubdtype(array.dtype, np.integer):
            raise UserError(
                f"instances are {array.dtype} of the shape {array.shape}, and integers (N, "
                f"{size[1]}, {size[2]}) were expected, N = {size[0]}: an id for each pixel."
            )
        if (there := max(len(np.unique(ids)) for ids in array)) > most:
            raise UserError(
                f"instances: an image has {there}, and the model takes {most} "
                "(config.model.instances)."
            )
        return array.astype(np.int32)

    def _found_instances(self, conditions: np.ndarray) -> np.ndarray:
        palette = model_palette(self.config) or cityscapes_palette()
        found = (connected_instances(c, palette, self.most_instances) for c in as_uint8(conditions))
        return np.stack(list(found))

    def _images(self, images: Any, name: str) -> np.ndarray:
        """The images unchanged as uint8, or as float32.

        Raises:
            UserError: If they are not such images.
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
    folder, checkpoint = user_path(workdir), str(checkpoint)
    rules.checkpoint().check(checkpoint, "checkpoint")
    rules.integer().check(batch_size, "batch_size")
    config = stored_config(folder, checkpoint)
    devices = Devices()
    trained = load_trained(config, folder, checkpoint, devices)
    return LoadedModel(config, Operations(trained, config.model.name, devices, batch_size))


def _names(label: str | int | Sequence[str | int]) -> list[str]:
    """The names of classes; digits may be numbers.

    Raises:
        UserError: If it is neither.
    """
    labels = np.atleast_1d(np.asarray(label, object)).tolist()
    for each in labels:
        if isinstance(each, bool) or not isinstance(each, str | Integral):
            raise UserError(f"label={each!r} is neither the name of a class nor a digit.")
    return list(map(str, labels))
