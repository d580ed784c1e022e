"""Reconstructions and partial re-draws, as functions for `InBatches`."""

from typing import Any

import jax
from jax import Array

from fullglow_jax.models.batch import Batch
from fullglow_jax.models.interface import InvertibleModel, PyTree


def reconstructed(model: InvertibleModel, variables: PyTree, batch: Batch) -> Array:
    """The targets, encoded and decoded again under their own conditions."""
    conditions = model.read_conditions(variables, batch)
    return model.decode(variables, conditions, model.encode(variables, batch).latents)


def redrawn(model: InvertibleModel, shared: Any, rows: tuple[Batch, Array]) -> Array:
    """The targets with noise for all but their coarsest latents.

    Args:
        model: The model.
        shared: Its variables, a key, and the temperature.
        rows: Examples, and their places, on which their noise depends.
    """
    (variables, key, temperature), (batch, places) = shared, rows
    keys = jax.vmap(jax.random.fold_in, (None, 0))(key, places)
    return model.redraw(variables, batch, keys, temperature)
