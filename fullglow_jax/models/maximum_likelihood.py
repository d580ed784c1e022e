"""What all models do that are trained by maximum likelihood alone."""

import math
from abc import abstractmethod
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from jax import Array

from fullglow_jax.likelihood import bits_per_dim, dequantise, to_unit_interval
from fullglow_jax.models.architecture import Architecture
from fullglow_jax.models.encoding import Encoding, Images
from fullglow_jax.models.interface import ArrayLike, Batch, PyTree, TrainState
from fullglow_jax.models.mean_gradient import MeanGradient, mean_gradient
from fullglow_jax.models.objective_model import ObjectiveModel


class MaximumLikelihood(ObjectiveModel):
    """A normalising flow with its noise and optimiser, trained on its bits per dimension.

    Args:
        network: The flow.
        architecture: Its numbers.
        bits: Bits per channel of the pixels.
        optimizer: The one optimiser of all parameters.
        mean_gradient: How gradients are taken over a batch.
    """

    def __init__(
        self,
        network: nn.Module,
        architecture: Architecture,
        *,
        bits: int,
        optimizer: optax.GradientTransformation,
        mean_gradient: MeanGradient = mean_gradient,
    ) -> None:
        super().__init__(network, optimizer, mean_gradient)
        self.architecture = architecture
        self.bits = bits

    @abstractmethod
    def bits_per_dim(self, variables: PyTree, batch: Batch, keys: Array) -> dict[str, Array]:
        """See `LikelihoodModel`."""

    @abstractmethod
    def _loss(self, bits: dict[str, Array]) -> Array:
        """(B,), what training lowers, of the bits per dimension by name."""

    @abstractmethod
    def _dequantised(self, batch: Batch, keys: Array) -> tuple[Any, ...]:
        """What the network encodes: images with noise, and what comes beside them."""

    def init(self, key: Array, batch: Batch) -> TrainState:
        """Random networks; actnorms start from the batch."""
        of_noise, of_parameters = jax.random.split(key)
        images = self._dequantised(batch, jax.random.split(of_noise, len(batch.target)))
        return self._first_state(self.network.init(of_parameters, *images))

    def _objective(
        self, params: PyTree, constants: PyTree, batch: Batch, keys: Array
    ) -> tuple[Array, dict[str, Array]]:
        """The loss of each example, and its bits by name."""
        bits = self.bits_per_dim({**constants, "params": params}, batch, keys)
        return self._loss(bits), bits

    def _with_noise(self, images: ArrayLike, keys: Array) -> Array:
        """Images on the unit interval, each dequantised under a key of its own."""
        add_noise = jax.vmap(lambda image, key: dequantise(image, key, self.bits))
        noisy: Array = add_noise(to_unit_interval(images), keys)
        return noisy

    def _noise(self, keys: Array, temperature: Array) -> Images:
        """Standard-normal noise for every level's latent, times the temperature."""

        def of_one(key: Array) -> Images:
            shapes = self.architecture.latent_shapes
            per_level = jax.random.split(key, len(shapes))
            return tuple(map(jax.random.normal, per_level, shapes))

        return jax.tree.map(lambda noise: temperature * noise, jax.vmap(of_one)(keys))

    def _bits(self, name: str, encoding: Encoding) -> dict[str, Array]:
        """(B,) bits per dimension of an image, and what they are made of.

        NAME/prior and NAME/log_det add up to NAME with the pixels' bits; NAME/level_1 and so on
        are each level's share of the two.
        """
        dimensions = self.architecture.dimensions
        log_prior, log_det = encoding.log_prior, encoding.log_det
        per_bit = dimensions * math.log(2)
        of_prior, of_log_det = -log_prior / per_bit, -log_det / per_bit
        levels = jnp.moveaxis(of_prior + of_log_det, -1, 0)
        return {
            name: bits_per_dim(log_prior.sum(-1), log_det.sum(-1), dimensions, self.bits),
            f"{name}/prior": of_prior.sum(-1),
            f"{name}/log_det": of_log_det.sum(-1),
            **{f"{name}/level_{i}": share for i, share in enumerate(levels, start=1)},
        }
