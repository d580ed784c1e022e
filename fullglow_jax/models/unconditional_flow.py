"""Glow as a model to train, sample and score."""

import jax.numpy as jnp
import optax
from jax import Array

from fullglow_jax.likelihood import to_unit_interval
from fullglow_jax.models.architecture import Architecture
from fullglow_jax.models.encoding import Encoding, Images
from fullglow_jax.models.glow import Glow
from fullglow_jax.models.interface import Batch, PyTree
from fullglow_jax.models.maximum_likelihood import MaximumLikelihood
from fullglow_jax.models.mean_gradient import MeanGradient, mean_gradient


class UnconditionalFlow(MaximumLikelihood):
    """Maximum likelihood training of a `Glow` on the targets; conditions are not read.

    Attributes:
        architecture: The model's numbers.
        bits: Bits per channel of the pixels.
        optimizer: The one optimiser of all parameters.
        mean_gradient: How gradients are taken over a batch.
    """

    headline = "image"
    reads_conditions = False

    def __init__(
        self,
        architecture: Architecture,
        *,
        bits: int,
        optimizer: optax.GradientTransformation,
        mean_gradient: MeanGradient = mean_gradient,
    ) -> None:
        super().__init__(
            Glow(architecture),
            architecture,
            bits=bits,
            optimizer=optimizer,
            mean_gradient=mean_gradient,
        )

    def bits_per_dim(self, variables: PyTree, batch: Batch, keys: Array) -> dict[str, Array]:
        """(B,) bits per dimension: "image", of the target, and what they are made of.

        See `ConditionalFlow.bits_per_dim` for the parts.
        """
        return self._bits("image", self._apply(variables, *self._dequantised(batch, keys)))

    def read_conditions(self, variables: PyTree, batch: Batch) -> tuple[()]:
        """Nothing."""
        return ()

    def sample(
        self, variables: PyTree, conditions: tuple[()], keys: Array, temperature: Array
    ) -> Array:
        """Images decoded from noise, one a key."""
        noise = self._noise(keys, temperature)
        images = self._apply(variables, noise, True, method=Glow.decode)
        return jnp.clip(images, 0.0, 1.0)

    def encode(self, variables: PyTree, batch: Batch) -> Encoding:
        """The targets' latents."""
        encoding: Encoding = self._apply(variables, to_unit_interval(batch.target))
        return encoding

    def decode(self, variables: PyTree, conditions: tuple[()], latents: Images) -> Array:
        """Images from their latents."""
        images: Array = self._apply(variables, latents, method=Glow.decode)
        return images

    def _loss(self, bits: dict[str, Array]) -> Array:
        return bits["image"]

    def _dequantised(self, batch: Batch, keys: Array) -> tuple[Array]:
        return (self._with_noise(batch.target, keys),)
