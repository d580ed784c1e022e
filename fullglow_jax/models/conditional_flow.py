"""Full-Glow as a model to train, sample and score: its objective, noise and optimiser."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import Array

from fullglow_jax.likelihood import bits_per_dim, dequantise, to_unit_interval
from fullglow_jax.models.architecture import Architecture
from fullglow_jax.models.flow_step import StepParameters
from fullglow_jax.models.full_glow import Encoding, FullGlow
from fullglow_jax.models.interface import Batch, PyTree, StepReport, TrainState
from fullglow_jax.models.mean_gradient import MeanGradient, mean_gradient


class ConditionalFlow:
    """Maximum likelihood training of a `FullGlow` (Full-Glow, equation 4).

    The objective is λ·bits(source) + bits(target | source), averaged over the batch.

    Attributes:
        architecture: The model's numbers.
        bits: Bits per channel of the pixels.
        source_weight: λ.
        optimizer: The one optimiser of all parameters.
        mean_gradient: How gradients are taken over a batch.
    """

    def __init__(
        self,
        architecture: Architecture,
        *,
        bits: int,
        source_weight: float,
        optimizer: optax.GradientTransformation,
        mean_gradient: MeanGradient = mean_gradient,
    ) -> None:
        self.architecture = architecture
        self.bits = bits
        self.source_weight = source_weight
        self.optimizer = optimizer
        self.mean_gradient = mean_gradient
        self.network = FullGlow(architecture)
        self._apply: Callable[..., Any] = self.network.apply

    def init(self, key: Array, batch: Batch) -> TrainState:
        """Random networks; actnorms start from the batch."""
        of_noise, of_parameters = jax.random.split(key)
        images = self._dequantised(batch, jax.random.split(of_noise, len(batch.target)))
        variables = self.network.init(of_parameters, *images)
        return TrainState(
            step=jnp.zeros((), jnp.int32),
            variables=variables,
            optimizer=self.optimizer.init(variables["params"]),
        )

    def train_step(
        self, state: TrainState, batch: Batch, key: Array
    ) -> tuple[TrainState, StepReport]:
        """One step down the objective's gradient."""
        keys = jax.random.split(jax.random.fold_in(key, state.step), len(batch.target))
        params = state.variables["params"]
        constants = {name: tree for name, tree in state.variables.items() if name != "params"}
        gradient, losses, bits = self.mean_gradient(self._objective, params, constants, batch, keys)
        updates, optimizer = self.optimizer.update(gradient, state.optimizer, params)
        scalars = {f"bits_per_dim/{name}": values.mean() for name, values in bits.items()}
        scalars["gradient_norm"] = optax.global_norm(gradient)
        state = replace(
            state,
            step=state.step + 1,
            variables={**constants, "params": optax.apply_updates(params, updates)},
            optimizer=optimizer,
        )
        return state, StepReport(scalars, jnp.isfinite(losses))

    def _objective(
        self, params: PyTree, constants: PyTree, batch: Batch, keys: Array
    ) -> tuple[Array, dict[str, Array]]:
        """λ·bits(source) + bits(target | source) of each example, and the bits by name."""
        bits = self.bits_per_dim({**constants, "params": params}, batch, keys)
        return self.source_weight * bits["source"] + bits["conditional"], bits

    def bits_per_dim(self, variables: PyTree, batch: Batch, keys: Array) -> dict[str, Array]:
        """(B,) bits per dimension: "conditional", of target given source, and "source".

        And what they are made of: "conditional/prior" and "conditional/log_det", which add up to
        it with the pixels' bits, and "conditional/level_1" and so on, each level's share of the
        two; "source/…" likewise.
        """
        source, target = self._apply(variables, *self._dequantised(batch, keys))
        bits = {"conditional": self._bits(target), "source": self._bits(source)}
        return bits | self._shares("conditional", target) | self._shares("source", source)

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

    def _noise(self, keys: Array, temperature: Array) -> tuple[Array, ...]:
        """Standard-normal noise for every level's latent, times the temperature."""

        def of_one(key: Array) -> tuple[Array, ...]:
            shapes = self.architecture.latent_shapes
            per_level = jax.random.split(key, len(shapes))
            return tuple(map(jax.random.normal, per_level, shapes))

        return jax.tree.map(lambda noise: temperature * noise, jax.vmap(of_one)(keys))

    def _dequantised(self, batch: Batch, keys: Array) -> tuple[Array, Array, tuple[Array, ...]]:
        """Both images with noise of their own, and the boundary maps, ready for the network."""
        of_source, of_target = jnp.moveaxis(jax.vmap(jax.random.split)(keys), 1, 0)
        add_noise = jax.vmap(lambda image, key: dequantise(image, key, self.bits))
        return (
            add_noise(to_unit_interval(batch.condition), of_source),
            add_noise(to_unit_interval(batch.target), of_target),
            self._boundary(batch),
        )

    @staticmethod
    def _boundary(batch: Batch) -> tuple[Array, ...]:
        return tuple(to_unit_interval(level) for level in batch.boundary)

    def _bits(self, encoding: Encoding) -> Array:
        return bits_per_dim(
            encoding.log_prior.sum(-1),
            encoding.log_det.sum(-1),
            self.architecture.dimensions,
            self.bits,
        )

    def _shares(self, name: str, encoding: Encoding) -> dict[str, Array]:
        """What priors, log-determinants and levels add to the bits per dimension of an image."""
        per_bit = self.architecture.dimensions * math.log(2)
        of_prior, of_log_det = -encoding.log_prior / per_bit, -encoding.log_det / per_bit
        levels = jnp.moveaxis(of_prior + of_log_det, -1, 0)
        return {
            f"{name}/prior": of_prior.sum(-1),
            f"{name}/log_det": of_log_det.sum(-1),
            **{f"{name}/level_{i}": share for i, share in enumerate(levels, start=1)},
        }
