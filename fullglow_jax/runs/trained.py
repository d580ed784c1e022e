"""Trained models, read from their workdirs."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import optax
from jax import Array
from jax.sharding import Sharding
from ml_collections import ConfigDict

from fullglow_jax.config.changes import check_changes
from fullglow_jax.model_registry import build_model
from fullglow_jax.models.batch import Batch, blank_batch
from fullglow_jax.models.interface import Model, TrainState
from fullglow_jax.models.shapes import Shapes
from fullglow_jax.optimization.average import first_state
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.parallel.distributed import is_first
from fullglow_jax.runs.checkpoints import Checkpoints
from fullglow_jax.runs.packaged import find_packaged
from fullglow_jax.runs.workdir import check_trained


class Trained(NamedTuple):
    """A model with the variables of one of its checkpoints."""

    model: Model
    variables: Any
    step: int


def stored_config(workdir: Path, checkpoint: str) -> ConfigDict:
    """The config of a workdir's checkpoint: "latest" (that can be read), "best" or a step.

    A packaged model's name counts as a workdir with its one checkpoint (`runs/packaged.py`).

    Raises:
        UserError: If there is no such checkpoint, or its config cannot be read.
    """
    if packaged := find_packaged(workdir, checkpoint):
        return packaged.config
    check_trained(workdir)
    checkpoints = Checkpoints.of(workdir)
    if checkpoint == "latest":
        return checkpoints.newest(checkpoints.config).content
    return checkpoints.config(checkpoints.choose(checkpoint))


def abstract_batch(shapes: Shapes, count: int, sharding: Sharding | None = None) -> Batch:
    """Shapes and sharding of a batch from the input pipeline."""
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding),
        blank_batch(shapes, count),
    )


def abstract_state(model: Model, devices: Devices, average_decay: float = 0.0) -> TrainState:
    """Shapes and sharding of a model's state, without computing it."""
    start = partial(first_state, model, average_decay)
    return state_like(start, jax.random.key(0), abstract_batch(model.shapes, 1), devices)


def state_like(
    start: Callable[[Array, Batch], TrainState], key: Array, batch: Batch, devices: Devices
) -> TrainState:
    """Shapes and sharding of the state that `start` makes of a key and a batch.

    What is traced here is not traced again when the same `start` is compiled for such arguments.
    """
    shapes = jax.eval_shape(start, key, batch)
    return jax.tree.map(
        lambda s, place: jax.ShapeDtypeStruct(s.shape, s.dtype, sharding=place),
        shapes,
        devices.place(shapes),
    )


def load_trained(config: ConfigDict, workdir: Path, checkpoint: str, devices: Devices) -> Trained:
    """Restores a checkpoint's variables into the model of its config.

    "latest" is the latest that can be read; errors of later ones go to stderr.

    Raises:
        UserError: If there is no such checkpoint, or it is damaged or of another model.
    """
    stored = stored_config(workdir, checkpoint)
    stored.parallel = config.parallel  # belongs to the machine, not to the model
    changes = check_changes(config, stored, workdir, training=False)
    if changes and is_first():
        print(f"note: {changes}", flush=True)
    model = build_model(config, optax.constant_schedule(0.0))
    like = abstract_state(model, devices, config.optimizer.average_decay)
    if packaged := find_packaged(workdir, checkpoint):
        return Trained(model, packaged.variables(like), packaged.step)
    checkpoints = Checkpoints.of(workdir)
    if checkpoint != "latest":
        step = checkpoints.choose(checkpoint)
        return Trained(model, checkpoints.variables(step, like), step)
    newest = checkpoints.newest(lambda step: checkpoints.variables(step, like))
    if newest.damaged and is_first():
        for failure in newest.damaged.values():
            print(f"warning: {failure} Step {newest.step} is used.", file=sys.stderr)
    return Trained(model, newest.content, newest.step)
