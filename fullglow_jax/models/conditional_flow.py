"""Full-Glow as a model to train, sample and score."""

import jax
import jax.numpy as jnp
import optax
from jax import Array

from fullglow_jax.likelihood import to_unit_interval
from fullglow_jax.models.architecture import Architecture
from fullglow_jax.models.encoding import Encoding, Images
from fullglow_jax.models.flow_step import StepParameters
from fullglow_jax.models.full_glow import FullGlow
from fullglow_jax.models.interface import Batch, PyTree
from fullglow_jax.models.maximum_likelihood import MaximumLikelihood
from fullglow_jax.models.mean_gradient import MeanGradient, mean_gradient


class ConditionalFlow(MaximumLikelihood):
    """Maximum likelihood training of a `FullGlow` (Full-Glow, equation 4).

    The objective is λ·bits(source) + bits(target | source), averaged over the batch.

    Attributes:
        architecture: The model's numbers.
        bits: Bits per channel of the pixels.
        source_weight: λ.
        optimizer: The one optimiser of all parameters.
        mean_gradient: How gradients are taken over a batch.
    """

    headline = "conditional"
    reads_conditions = True

    def __init__(
        self,
        architecture: Architecture,
        *,
        bits: int,
        source_weight: float,
        optimizer: optax.GradientTransformation,
        mean_gradient: MeanGradient = mean_gradient,
    ) -> None:
        super().__init__(
            FullGlow(architecture),
            architecture,
            bits=bits,
            optimizer=optimizer,
            mean_gradient=mean_gradient,
        )
        self.source_weight = source_weight

    def bits_per_dim(self, variables: PyTree, batch: Batch, keys: Array) -> dict[str, Array]:
        """(B,) bits per dimension: "conditional", of target given source, and "source".

        And what they are made of: "conditional/prior" and "conditional/log_det", which add up to
        it with the pixels' bits, and "conditional/level_1" and so on, each level's share of the
        two; "source/…" likewise.
        """
        source, target = self._apply(variables, *self._dequantised(batch, keys))
        return self._bits("conditional", target) | self._bits("source", source)

    def read_conditions(self, variables: PyTree, batch: Batch) -> tuple[StepParameters, ...]:
        """The target's bijections under each condition: the source's pass, and their networks."""
        parameters: tuple[StepParameters, ...] = self._apply(
            variables,
            to_unit_interval(batch.condition),
            self._boundary(batch),
            method=FullGlow.read_condition,
        )
        return parameters

    def sample(
        self,
        variables: PyTree,
        conditions: tuple[StepParameters, ...],
        keys: Array,
        temperature: Array,
    ) -> Array:
        """Targets decoded from noise under each condition."""
        noise = self._noise(keys, temperature)
        images = self._apply(variables, noise, conditions, True, method=FullGlow.decode)
        return jnp.clip(images, 0.0, 1.0)

    def encode(self, variables: PyTree, batch: Batch) -> Encoding:
        """The targets' latents, given their conditions."""
        images = to_unit_interval(batch.condition), to_unit_interval(batch.target)
        _, target = self._apply(variables, *images, self._boundary(batch))
        encoding: Encoding = target
        return encoding

    def decode(
        self, variables: PyTree, conditions: tuple[StepParameters, ...], latents: Images
    ) -> Array:
        """Targets from their latents, under conditions that were read."""
        images: Array = self._apply(variables, latents, conditions, method=FullGlow.decode)
        return images

    def sample_conditions(self, variables: PyTree, keys: Array, temperature: Array) -> Array:
        """Conditions decoded from noise by the source glow."""
        noise = self._noise(keys, temperature)
        images = self._apply(variables, noise, True, method=FullGlow.decode_source)
        return jnp.clip(images, 0.0, 1.0)

    def _loss(self, bits: dict[str, Array]) -> Array:
        return self.source_weight * bits["source"] + bits["conditional"]

    def _dequantised(self, batch: Batch, keys: Array) -> tuple[Array, Array, tuple[Array, ...]]:
        """Both images with noise of their own, and the boundary maps, ready for the network."""
        of_source, of_target = jnp.moveaxis(jax.vmap(jax.random.split)(keys), 1, 0)
        return (
            self._with_noise(batch.condition, of_source),
            self._with_noise(batch.target, of_target),
            self._boundary(batch),
        )

    @staticmethod
    def _boundary(batch: Batch) -> tuple[Array, ...]:
        return tuple(to_unit_interval(level) for level in batch.boundary)
