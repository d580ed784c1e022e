"""Full-Glow as a model to train, sample and score: its objective, noise and optimiser."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import Array

from fullglow_jax.likelihood import bits_per_dim, dequantise, to_unit_interval
from fullglow_jax.models.architecture import Architecture
from fullglow_jax.models.flow_step import StepParameters
from fullglow_jax.models.full_glow import Encoding, FullGlow
from fullglow_jax.models.interface import Batch, PyTree, TrainState


class ConditionalFlow:
    """Maximum likelihood training of a `FullGlow` (Full-Glow, equation 4).

    The objective is λ·bits(source) + bits(target | source), averaged over the batch.

    Attributes:
        architecture: The model's numbers.
        bits: Bits per channel of the pixels.
        source_weight: λ.
        optimizer: The one optimiser of all parameters.
    """

    def __init__(
        self,
        architecture: Architecture,
        *,
        bits: int,
        source_weight: float,
        optimizer: optax.GradientTransformation,
    ) -> None:
        self.architecture = architecture
        self.bits = bits
        self.source_weight = source_weight
        self.optimizer = optimizer
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
    ) -> tuple[TrainState, dict[str, Array]]:
        """One step down the objective's gradient."""
        keys = jax.random.split(jax.random.fold_in(key, state.step), len(batch.target))

        def objective(params: PyTree) -> tuple[Array, dict[str, Array]]:
            bits = self.bits_per_dim({**state.variables, "params": params}, batch, keys)
            means = {name: values.mean() for name, values in bits.items()}
            return self.source_weight * means["source"] + means["conditional"], means

        params = state.variables["params"]
        gradients, bits = jax.grad(objective, has_aux=True)(params)
        updates, optimizer = self.optimizer.update(gradients, state.optimizer, params)
        state = TrainState(
            step=state.step + 1,
            variables={**state.variables, "params": optax.apply_updates(params, updates)},
            optimizer=optimizer,
        )
        scalars = {f"bits_per_dim/{name}": value for name, value in bits.items()}
        return state, {**scalars, "gradient_norm": optax.global_norm(gradients)}

    def bits_per_dim(self, variables: PyTree, batch: Batch, keys: Array) -> dict[str, Array]:
        """(B,) bits per dimension: "conditional", of target given source, and "source"."""
        source, target = self._apply(variables, *self._dequantised(batch, keys))
        return {"conditional": self._bits(target), "source": self._bits(source)}

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
