"""All operations of a trained model on images on the host, each compiled at its first use."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from typing import Any

import jax
import numpy as np
from jax import Array

from fullglow_jax.digests import digest
from fullglow_jax.errors import UserError, with_article
from fullglow_jax.models.batch import Batch, blank_batch
from fullglow_jax.models.encoding import Encoding
from fullglow_jax.models.interface import PyTree, Styles
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.parallel.distributed import on_host
from fullglow_jax.parallel.in_batches import InBatches
from fullglow_jax.runs.trained import Trained
from fullglow_jax.sampling.capabilities import (
    CONDITIONS,
    CONDITIONS_OR_CLASSES,
    INSTANCES,
    LATENTS,
    LIKELIHOOD,
    OWN_CONDITIONS,
    Capability,
)
from fullglow_jax.sampling.redraws import redrawn
from fullglow_jax.sampling.sampler import Sampler

CONDITION_STREAM = 2**32 - 1
"""Folded into the key for the noise of conditions; images are numbered from 0."""


class Operations:
    """The operations of a model, on batches of any length in host memory.

    The result for an image depends, up to rounding, only on the image, the seed and its place: not
    on the rest of the batch, nor on the batch size. An operation raises a `UserError` if the model
    lacks the capability for it.

    Attributes:
        trained: The model and its variables.
        name: The model's name in the config, for messages.
        devices: The devices to compute on.
        shapes: The shapes of the model's images.
        reads_conditions: Whether the model's images depend on conditions.
        batch_size: Images computed at once, rounded up to a multiple of the devices.
    """

    def __init__(self, trained: Trained, name: str, devices: Devices, batch_size: int) -> None:
        self.trained, self.name, self.devices = trained, name, devices
        self.shapes, self.reads_conditions = trained.model.shapes, trained.model.reads_conditions
        self.batch_size = -(-batch_size // devices.mesh.size) * devices.mesh.size
        self._sampler = Sampler(trained.model, devices, batch_size)

    def conditions_at_once(self, samples: int) -> int:
        """The number of conditions that `draw` takes at a time, for so many samples of each."""
        return self._sampler.conditions_at_once(samples)

    @cached_property
    def digest(self) -> str:
        """A digest of the variables, the same on all devices; all processes must call it."""
        return digest(on_host(self.trained.variables))

    def blank(self, count: int) -> Batch:
        """A batch of black images, for calls that read neither conditions nor targets."""
        return blank_batch(self.shapes, count)

    def draw(
        self, batch: Batch, samples: int, temperature: float, seed: int, first: int = 0
    ) -> Iterator[tuple[int, int, np.ndarray]]:
        """Images drawn under conditions, one by one; arguments and images are those of `Sampler`.

        The batch is `blank` for a model that reads no conditions.
        """
        if np.any(batch.condition):
            self._need(CONDITIONS)
        key = self.devices.key(seed)
        return self._sampler(self.trained.variables, batch, samples, temperature, key, first)

    def draw_conditions(self, count: int, temperature: float, seed: int) -> np.ndarray:
        """Conditions drawn from the model's density of them, float32 (count, H, W, C)."""
        shared = (self.trained.variables, self.devices.key(seed), np.float32(temperature))
        return self._draw_conditions(shared, np.arange(count))

    def encode(self, batch: Batch) -> Encoding:
        """The targets' latents under their conditions, NumPy arrays; no noise is added."""
        return self._encode(self.trained.variables, batch)

    def decode(self, batch: Batch, latents: PyTree) -> np.ndarray:
        """Images from latents under conditions, float32 (B, H, W, C) in [0, 1]."""
        return np.clip(self._decode(self.trained.variables, (batch, latents)), 0.0, 1.0)

    def transfer(self, content: Batch, structure: Batch) -> np.ndarray:
        """The targets of one batch, drawn again under the conditions and classes of another.

        They are encoded under their own conditions and decoded under the others (Full-Glow,
        section 4). What stays of them are their latents: z, or ε where a family says so.
        """
        self._need(CONDITIONS_OR_CLASSES)
        return self.decode(structure, self.encode(content).latents)

    def reconstruct(self, batch: Batch) -> np.ndarray:
        """The targets, encoded and decoded again under their own conditions."""
        return self.decode(batch, self.encode(batch).latents)

    def redraw(self, batch: Batch, temperature: float, seed: int) -> np.ndarray:
        """The targets with noise for all but their coarsest latents, float32 (B, H, W, C)."""
        shared = (self.trained.variables, self.devices.key(seed), np.float32(temperature))
        return self._redraw(shared, (batch, np.arange(len(batch.target))))

    def pixels(self, images: np.ndarray) -> np.ndarray:
        """The model's quantised images, float in [0, 1], which decoding should restore."""
        return np.asarray(self._need(LATENTS).pixels(images))

    def bits_per_dim(self, batch: Batch, seed: int) -> dict[str, np.ndarray]:
        """(B,) bits per dimension by name, the same as eval.py's under the same seed."""
        shared = (self.trained.variables, self.devices.key(seed))
        return self._bits_per_dim(shared, (batch, np.arange(len(batch.target))))

    def instance_ids(self, batch: Batch) -> np.ndarray:
        """The ids of the instances that styles are of, int32 (B, H, W)."""
        return self._instance_ids((), batch)

    def draw_styles(
        self, batch: Batch, numbers: Sequence[int], temperature: float, seed: int, first: int = 0
    ) -> Styles:
        """The styles of the images that `draw` draws, NumPy arrays (B·n, …).

        Those of each condition follow one another.

        Args:
            batch: The conditions.
            numbers: The numbers of the samples that are drawn of each condition, counted from 0.
            temperature: Factor of the noise's deviation.
            seed: Seed of the noise.
            first: The place of the first condition, if these are a part of more.
        """
        shared = (self.trained.variables, self.devices.key(seed), np.float32(temperature))
        places = np.repeat(np.arange(len(batch.condition)), len(numbers))
        tiled = np.tile(np.asarray(numbers, np.int32), len(batch.condition))
        return self._draw_styles(shared, (_rows(batch, places), first + places, tiled))

    def sample_styled(self, batch: Batch, styles: Styles) -> np.ndarray:
        """The images of B·n styles, n in a row for each condition, float32 (B·n, H, W, C)."""
        count, conditions = len(styles.ids), len(batch.condition)
        places = np.repeat(np.arange(conditions), count // conditions)
        return self._sample_styled(self.trained.variables, (_rows(batch, places), styles))

    def read_styles(self, batch: Batch) -> tuple[Styles, Styles] | None:
        """Mean and deviation of the styles of the targets; None if the model has no encoder."""
        return self._read_styles(self.trained.variables, batch)

    def _need(self, capability: Capability) -> Any:
        """The model, after a check that it has a capability."""
        if not capability.of(self.trained.model):
            raise UserError(f"{with_article(self.name)} {capability.lacking}.")
        return self.trained.model

    def _in_batches(self, function: Callable[..., Any]) -> InBatches:
        return InBatches(function, self.devices, self.batch_size)

    @cached_property
    def _encode(self) -> InBatches:
        return self._in_batches(self._need(LATENTS).encode)

    @cached_property
    def _decode(self) -> InBatches:
        model = self._need(LATENTS)

        def decode(variables: PyTree, rows: tuple[Batch, PyTree]) -> Array:
            batch, latents = rows
            return model.decode(variables, model.read_conditions(variables, batch), latents)

        return self._in_batches(decode)

    @cached_property
    def _redraw(self) -> InBatches:
        return self._in_batches(partial(redrawn, self._need(LATENTS)))

    @cached_property
    def _bits_per_dim(self) -> InBatches:
        model = self._need(LIKELIHOOD)

        def bits(shared: tuple[PyTree, Array], rows: tuple[Batch, Array]) -> dict[str, Array]:
            (variables, key), (batch, places) = shared, rows
            return model.bits_per_dim(variables, batch, _fold(key, places))

        return self._in_batches(bits)

    @cached_property
    def _instance_ids(self) -> InBatches:
        model = self._need(INSTANCES)
        return self._in_batches(lambda _, batch: model.instance_ids(batch))

    @cached_property
    def _draw_styles(self) -> InBatches:
        model = self._need(INSTANCES)

        def draw(shared: tuple[PyTree, Array, Array], rows: tuple[Batch, Array, Array]) -> Styles:
            (variables, key, temperature), (batch, places, numbers) = shared, rows
            keys = jax.vmap(jax.random.fold_in)(_fold(key, places), numbers)
            conditions = model.read_conditions(variables, batch)
            return model.draw_styles(variables, conditions, keys, temperature)

        return self._in_batches(draw)

    @cached_property
    def _sample_styled(self) -> InBatches:
        model = self._need(INSTANCES)

        def sample(variables: PyTree, rows: tuple[Batch, Styles]) -> Array:
            batch, styles = rows
            return model.sample_styled(variables, model.read_conditions(variables, batch), styles)

        return self._in_batches(sample)

    @cached_property
    def _read_styles(self) -> InBatches:
        return self._in_batches(self._need(INSTANCES).read_styles)

    @cached_property
    def _draw_conditions(self) -> InBatches:
        model = self._need(OWN_CONDITIONS)

        def draw(shared: tuple[PyTree, Array, Array], places: Array) -> Array:
            variables, key, temperature = shared
            keys = _fold(jax.random.fold_in(key, CONDITION_STREAM), places)
            return model.sample_conditions(variables, keys, temperature)

        return self._in_batches(draw)


def _rows(batch: Batch, places: np.ndarray) -> Batch:
    """The examples at these places."""
    return jax.tree.map(lambda leaf: leaf[places], batch)


def _fold(key: Array, places: Array) -> Array:
    return jax.vmap(jax.random.fold_in, (None, 0))(key, places)
