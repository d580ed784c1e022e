"""A trained model out of its workdir."""

import sys
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.sharding import Sharding
from ml_collections import ConfigDict

from fullglow_jax.config import check_same_model
from fullglow_jax.models import build_architecture, build_model
from fullglow_jax.models.interface import Batch, LikelihoodModel, PyTree, TrainState
from fullglow_jax.models.pair_shapes import PairShapes
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.parallel.distributed import is_first
from fullglow_jax.training.checkpoints import Checkpoints
from fullglow_jax.training.step import first_state


class Trained(NamedTuple):
    """A model with the variables of one of its checkpoints."""

    model: LikelihoodModel
    architecture: PairShapes
    variables: Any
    step: int


def stored_config(workdir: Path, checkpoint: str) -> ConfigDict:
    """The config of a workdir's checkpoint: "latest" (that can be read), "best" or a step.

    Raises:
        UserError: Where there is no such checkpoint, or its config cannot be read.
    """
    checkpoints = Checkpoints.of(workdir)
    if checkpoint == "latest":
        return checkpoints.newest(checkpoints.config).content
    return checkpoints.config(checkpoints.choose(checkpoint))


def abstract_batch(architecture: PairShapes, count: int, sharding: Sharding | None = None) -> Batch:
    """Shapes, and places, of a batch as it comes from the input pipeline."""

    def images(size: tuple[int, int], channels: int) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct((count, *size, channels), jnp.uint8, sharding=sharding)

    pair = images(architecture.image_size, architecture.channels)
    levels = architecture.level_sizes if architecture.boundary else ()
    return Batch(pair, pair, tuple(images(size, 3) for size in levels))


def abstract_state(
    model: LikelihoodModel,
    architecture: PairShapes,
    devices: Devices,
    average_decay: float = 0.0,
) -> TrainState:
    """Shapes and places of a model's state, without computing it."""
    start = partial(first_state, model, average_decay)
    shapes = jax.eval_shape(start, jax.random.key(0), abstract_batch(architecture, 1))
    return jax.tree.map(
        lambda s, place: jax.ShapeDtypeStruct(s.shape, s.dtype, sharding=place),
        shapes,
        devices.place(shapes),
    )


def sampled_variables(state: TrainState) -> PyTree:
    """The variables that sampling and scoring use: with the moving average, where there is one."""
    if not jax.tree.leaves(state.average):
        return state.variables
    return {**state.variables, "params": state.average}


def load_trained(config: ConfigDict, workdir: Path, checkpoint: str, devices: Devices) -> Trained:
    """Restores a checkpoint's variables into the model of its config.

    The latest is the latest that can be read; what is wrong with later ones is told on stderr.

    Raises:
        UserError: Where there is no such checkpoint, or it is damaged or of another model.
    """
    architecture = build_architecture(config)
    model = build_model(config, optax.constant_schedule(0.0))
    checkpoints = Checkpoints.of(workdir)
    like = abstract_state(model, architecture, devices, config.optimizer.average_decay)
    check_same_model(config, stored_config(workdir, checkpoint), workdir)
    if checkpoint != "latest":
        step = checkpoints.choose(checkpoint)
        return Trained(model, architecture, checkpoints.variables(step, like), step)
    newest = checkpoints.newest(lambda step: checkpoints.variables(step, like))
    if newest.damaged and is_first():
        for failure in newest.damaged.values():
            print(f"warning: {failure} Step {newest.step} is used.", file=sys.stderr)
    return Trained(model, architecture, newest.content, newest.step)
