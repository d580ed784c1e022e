"""The gradient of a loss that is a mean over examples."""

from collections.abc import Callable
from typing import Any, Protocol

import jax
from jax import Array

from fullglow_jax.models.interface import Batch, PyTree

Objective = Callable[[PyTree, PyTree, Batch, Array], tuple[Array, dict[str, Array]]]
"""(params, constants, batch, keys) → (loss, values to tell by name), both one an example, (B,)."""


class MeanGradient(Protocol):
    """How a model gets its gradients, wherever the examples lie.

    A model says what an example's loss is; over how many devices, and in how many parts, the mean
    over examples is taken is not its business.
    """

    def __call__(
        self, objective: Objective, params: PyTree, constants: PyTree, batch: Batch, keys: Array
    ) -> tuple[PyTree, Array, dict[str, Array]]:
        """(gradient of the mean loss by params, losses (B,), values by name, (B,) each)."""


def mean_gradient(
    objective: Objective, params: PyTree, constants: PyTree, batch: Batch, keys: Array
) -> tuple[PyTree, Array, dict[str, Array]]:
    """The gradient over a batch that lies where the code runs; see `MeanGradient`."""

    def mean(params: PyTree) -> tuple[Array, Any]:
        losses, values = objective(params, constants, batch, keys)
        return losses.mean(), (losses, values)

    gradient, (losses, values) = jax.grad(mean, has_aux=True)(params)
    return gradient, losses, values
