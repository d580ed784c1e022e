"""Models with one objective and one optimiser."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from jax import Array

from fullglow_jax.models.batch import Batch
from fullglow_jax.models.interface import PyTree, StepReport, TrainState
from fullglow_jax.models.mean_gradient import MeanGradient
from fullglow_jax.models.shapes import Shapes


class ObjectiveModel(ABC):
    """A network with an optimiser and an objective, which is a mean over examples.

    Args:
        network: The network.
        shapes: Shapes of the model's images.
        optimizer: The optimiser of all parameters.
        mean_gradient: Computes gradients over a batch.
    """

    def __init__(
        self,
        network: nn.Module,
        shapes: Shapes,
        optimizer: optax.GradientTransformation,
        mean_gradient: MeanGradient,
    ) -> None:
        self.network = network
        self.shapes = shapes
        self.optimizer = optimizer
        self.mean_gradient = mean_gradient
        self._apply: Callable[..., Any] = network.apply

    @abstractmethod
    def _objective(
        self, params: PyTree, constants: PyTree, batch: Batch, keys: Array
    ) -> tuple[Array, dict[str, Array]]:
        """The loss of each example, (B,), and values to log by name, (B,) each."""

    def train_step(
        self, state: TrainState, batch: Batch, key: Array
    ) -> tuple[TrainState, StepReport]:
        """One step of the optimiser down the objective's gradient."""
        keys = jax.random.split(jax.random.fold_in(key, state.step), len(batch.target))
        params = state.variables["params"]
        constants = {name: tree for name, tree in state.variables.items() if name != "params"}
        gradient, losses, values = self.mean_gradient(
            self._objective, params, constants, batch, keys
        )
        updates, optimizer = self.optimizer.update(gradient, state.optimizer, params)
        scalars = {name: example_values.mean() for name, example_values in values.items()}
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
