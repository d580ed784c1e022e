"""What all models do that are trained down one objective's gradient."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from jax import Array

from fullglow_jax.models.interface import Batch, PyTree, StepReport, TrainState
from fullglow_jax.models.mean_gradient import MeanGradient, mean_gradient


class ObjectiveModel(ABC):
    """A network with an optimiser and an objective, which is a mean over examples.

    Args:
        network: The network.
        optimizer: The one optimiser of all parameters.
        mean_gradient: How gradients are taken over a batch.
    """

    def __init__(
        self,
        network: nn.Module,
        optimizer: optax.GradientTransformation,
        mean_gradient: MeanGradient = mean_gradient,
    ) -> None:
        self.network = network
        self.optimizer = optimizer
        self.mean_gradient = mean_gradient
        self._apply: Callable[..., Any] = network.apply

    @abstractmethod
    def _objective(
        self, params: PyTree, constants: PyTree, batch: Batch, keys: Array
    ) -> tuple[Array, dict[str, Array]]:
        """The loss of each example, (B,), and its bits by name."""

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

    def _first_state(self, variables: PyTree) -> TrainState:
        return TrainState(
            step=jnp.zeros((), jnp.int32),
            variables=variables,
            optimizer=self.optimizer.init(variables["params"]),
        )
