"""The gradient of a loss that is a mean over examples."""

from collections.abc import Callable
from typing import Any, Protocol

import jax
from jax import Array

from fullglow_jax.models.batch import Batch
from fullglow_jax.models.interface import PyTree

Objective = Callable[[PyTree, PyTree, Batch, Array], tuple[Array, dict[str, Array]]]
"""(params, constants, batch, keys) → (losses, values to log by name), all per example, (B,)."""


class MeanGradient(Protocol):
    """The function that gives a model its gradients, on whatever devices the examples are.

    A model defines the loss of an example. It does not know over how many devices, and in how many
    parts, the mean over examples is taken.
    """

    def __call__(
        self, objective: Objective, params: PyTree, constants: PyTree, batch: Batch, keys: Array
    ) -> tuple[PyTree, Array, dict[str, Array]]:
        """(gradient of the mean loss by params, losses (B,), values by name, (B,) each)."""


def mean_gradient(
    objective: Objective, params: PyTree, constants: PyTree, batch: Batch, keys: Array
) -> tuple[PyTree, Array, dict[str, Array]]:
    """The gradient over a batch on one device; see `MeanGradient`."""

    def mean(params: PyTree) -> tuple[Array, Any]:
        losses, values = objective(params, constants, batch, keys)
        return losses.mean(), (losses, values)

    gradient, (losses, values) = jax.grad(mean, has_aux=True)(params)
    return gradient, losses, values
