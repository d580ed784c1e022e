"""A trained model out of its workdir."""

from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from ml_collections import ConfigDict

from fullglow_jax.config import check_same_model
from fullglow_jax.models import Architecture, build_architecture, build_model
from fullglow_jax.models.interface import Batch, LikelihoodModel, TrainState
from fullglow_jax.parallel import Devices
from fullglow_jax.training.checkpoints import Checkpoints


class Trained(NamedTuple):
    """A model with the variables of one of its checkpoints."""

    model: LikelihoodModel
    architecture: Architecture
    variables: Any
    step: int


def stored_config(workdir: Path, checkpoint: str) -> ConfigDict:
    """The config of a workdir's checkpoint: "latest", "best" or a step.

    Raises:
        UserError: Where there is no such checkpoint.
    """
    checkpoints = Checkpoints.of(workdir)
    return checkpoints.config(checkpoints.choose(checkpoint))


def abstract_state(
    model: LikelihoodModel, architecture: Architecture, devices: Devices
) -> TrainState:
    """Shapes and places of a model's state, without computing it."""

    def images(size: tuple[int, int], channels: int) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct((1, *size, channels), jnp.uint8)

    pair = images(architecture.image_size, architecture.channels)
    levels = architecture.level_sizes if architecture.boundary else ()
    batch = Batch(pair, pair, tuple(images(size, 3) for size in levels))
    shapes = jax.eval_shape(model.init, jax.random.key(0), batch)
    return jax.tree.map(
        lambda s: jax.ShapeDtypeStruct(s.shape, s.dtype, sharding=devices.replicated), shapes
    )


def load_trained(config: ConfigDict, workdir: Path, checkpoint: str, devices: Devices) -> Trained:
    """Restores a checkpoint's variables into the model of its config.

    Raises:
        UserError: Where there is no such checkpoint, or it is damaged or of another model.
    """
    architecture = build_architecture(config)
    model = build_model(config, optax.constant_schedule(0.0))
    checkpoints = Checkpoints.of(workdir)
    step = checkpoints.choose(checkpoint)
    check_same_model(config, checkpoints.config(step), workdir)
    like = abstract_state(model, architecture, devices)
    return Trained(model, architecture, checkpoints.variables(step, like), step)
