"""The model whose objective also asks that targets can be told from their conditions."""

from typing import Any

import jax.numpy as jnp
from jax import Array

from fullglow_jax.flows.flow import Flow
from fullglow_jax.flows.model import JointFlowModel
from fullglow_jax.models.batch import Batch
from fullglow_jax.models.interface import PyTree


class CycleFlowModel(JointFlowModel):
    """A `JointFlowModel` with the cycle term of C-Flow (Pumarola et al. 2020).

        objective + w·mean|x − x̂|, where the target x̂ is decoded at temperature 0

    How the paper draws x̂ in training is not known.

    Attributes:
        cycle_weight: w.
    """

    def __init__(self, flow: Flow, *, cycle_weight: float, **options: Any) -> None:
        super().__init__(flow, **options)
        self.cycle_weight = cycle_weight

    def _objective(
        self, params: PyTree, constants: PyTree, batch: Batch, keys: Array
    ) -> tuple[Array, dict[str, Array]]:
        loss, values = super()._objective(params, constants, batch, keys)
        variables = {**constants, "params": params}
        conditions = self.read_conditions(variables, batch)
        decoded = self._decode(variables, self._noise(keys, jnp.zeros(())), conditions, True)
        difference = jnp.abs(decoded - self.pixels(batch.target)).mean(axis=(1, 2, 3))
        return loss + self.cycle_weight * difference, {**values, "cycle": difference}
