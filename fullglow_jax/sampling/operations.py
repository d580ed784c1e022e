"""Everything a trained model can do to images on the host, each compiled once, when first asked."""

from collections.abc import Iterator
from functools import cached_property
from typing import cast

import jax
import numpy as np
from jax import Array

from fullglow_jax.errors import UserError
from fullglow_jax.models.encoding import Encoding
from fullglow_jax.models.interface import Batch, ConditionModel, InvertibleModel, PyTree
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.parallel.in_batches import InBatches
from fullglow_jax.sampling.sampler import Sampler
from fullglow_jax.training.trained import Trained

OF_CONDITIONS = 2**32 - 1
"""What the noise of conditions is told by from that of images, which are numbered from 0."""


class Operations:
    """What a model can do, on batches of any length in host memory.

    What comes of an image depends on it, on the seed and on its place alone, up to rounding: not
    on the rest of the batch, nor on the batch size.

    Attributes:
        trained: The model, its variables and architecture.
        name: What the config calls the model, for messages.
        devices: What it is computed on.
        batch_size: Images computed at once: what was asked for, rounded up so that all devices get
            as many.
    """

    def __init__(self, trained: Trained, name: str, devices: Devices, batch_size: int) -> None:
        self.trained = trained
        self.name = name
        self.devices = devices
        self.batch_size = -(-batch_size // devices.mesh.size) * devices.mesh.size
        self._sampler = Sampler(trained.model, devices, batch_size)

    def conditions_at_once(self, samples: int) -> int:
        """How many conditions `draw` takes at a time, for so many samples of each."""
        return self._sampler.conditions_at_once(samples)

    @property
    def reads_conditions(self) -> bool:
        """Whether the model's images depend on conditions."""
        return self.trained.model.reads_conditions

    def blank(self, count: int) -> Batch:
        """Black images, for what reads neither conditions nor targets."""
        architecture = self.trained.architecture
        image = np.zeros((count, *architecture.image_size, architecture.channels), np.uint8)
        levels = architecture.level_sizes if architecture.boundary else ()
        return Batch(image, image, tuple(np.zeros((count, *s, 3), np.uint8) for s in levels))

    def draw(
        self, batch: Batch, samples: int, temperature: float, seed: int, first: int = 0
    ) -> Iterator[tuple[int, int, np.ndarray]]:
        """Images drawn under conditions, one by one; see `Sampler`.

        Args:
            batch: The conditions; targets are not read.
            samples: Images for each.
            temperature: Factor of the noise's deviation.
            seed: Of the noise.
            first: The place of the first condition, where these are a part of more.

        Yields:
            (condition's place, sample's number, float32 (H, W, C) in [0, 1]).
        """
        key = self.devices.key(seed)
        return self._sampler(self.trained.variables, batch, samples, temperature, key, first)

    def draw_conditions(self, count: int, temperature: float, seed: int) -> np.ndarray:
        """Conditions drawn from the model's own density of them, float32 (count, H, W, C).

        Raises:
            UserError: The model has none.
        """
        shared = (self.trained.variables, self.devices.key(seed), np.float32(temperature))
        drawn: np.ndarray = self._draw_conditions(shared, np.arange(count))
        return drawn

    def encode(self, batch: Batch) -> Encoding:
        """The targets' latents under their conditions, NumPy arrays; no noise is added.

        Raises:
            UserError: The model has no latents of images.
        """
        return cast(Encoding, self._encode(self.trained.variables, batch))

    def decode(self, batch: Batch, latents: PyTree) -> np.ndarray:
        """Images from latents under conditions, float32 (B, H, W, C) in [0, 1].

        Raises:
            UserError: The model has no latents of images.
        """
        images: np.ndarray = self._decode(self.trained.variables, (batch, latents))
        return np.clip(images, 0.0, 1.0)

    def transfer(self, content: Batch, structure: Batch) -> np.ndarray:
        """The targets of one batch drawn anew under the conditions of another.

        Encoded under their own conditions, decoded under the others (Full-Glow, section 4).

        Raises:
            UserError: The model has no latents of images.
        """
        return self.decode(structure, self.encode(content).latents)

    def bits_per_dim(self, batch: Batch, seed: int) -> dict[str, np.ndarray]:
        """(B,) bits per dimension by name, as eval.py has them under the same seed."""
        shared = (self.trained.variables, self.devices.key(seed))
        rows = (batch, np.arange(len(batch.target)))
        bits: dict[str, np.ndarray] = self._bits_per_dim(shared, rows)
        return bits

    @property
    def _invertible(self) -> InvertibleModel:
        model = self.trained.model
        if not isinstance(model, InvertibleModel):
            raise UserError(f"a {self.name} cannot encode images: it has no latents of them.")
        return model

    @cached_property
    def _encode(self) -> InBatches:
        return InBatches(self._invertible.encode, self.devices, self.batch_size)

    @cached_property
    def _decode(self) -> InBatches:
        model = self._invertible

        def decode(variables: PyTree, rows: tuple[Batch, PyTree]) -> Array:
            batch, latents = rows
            return model.decode(variables, model.read_conditions(variables, batch), latents)

        return InBatches(decode, self.devices, self.batch_size)

    @cached_property
    def _bits_per_dim(self) -> InBatches:
        model = self.trained.model

        def bits(shared: tuple[PyTree, Array], rows: tuple[Batch, Array]) -> dict[str, Array]:
            (variables, key), (batch, places) = shared, rows
            return model.bits_per_dim(variables, batch, _fold(key, places))

        return InBatches(bits, self.devices, self.batch_size)

    @cached_property
    def _draw_conditions(self) -> InBatches:
        model = self.trained.model
        if not isinstance(model, ConditionModel):
            raise UserError(
                f"a {self.name} draws no conditions: it has no density of them. "
                "Draw its images instead (--mode random)."
            )

        def draw(shared: tuple[PyTree, Array, Array], places: Array) -> Array:
            variables, key, temperature = shared
            keys = _fold(jax.random.fold_in(key, OF_CONDITIONS), places)
            return model.sample_conditions(variables, keys, temperature)

        return InBatches(draw, self.devices, self.batch_size)


def _fold(key: Array, places: Array) -> Array:
    keys: Array = jax.vmap(jax.random.fold_in, (None, 0))(key, places)
    return keys
