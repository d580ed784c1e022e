"""Compositions of bijections into models, behind one interface, chosen by the config."""

import difflib

import optax
from ml_collections import ConfigDict

from fullglow_jax.errors import UserError
from fullglow_jax.models.architecture import Architecture
from fullglow_jax.models.conditional_flow import ConditionalFlow
from fullglow_jax.models.interface import LikelihoodModel
from fullglow_jax.models.mean_gradient import MeanGradient, mean_gradient
from fullglow_jax.models.optimizer import clipped_adam

MODELS = ("full_glow",)


def build_architecture(config: ConfigDict) -> Architecture:
    """The shapes that a config asks for.

    Raises:
        UserError: Where they are not possible.
    """
    return Architecture(
        image_size=tuple(config.data.image_size),
        steps=tuple(config.model.steps),
        lu=config.model.lu,
        condition=config.model.condition,
        coupling_width=config.model.coupling_width,
        spatial_width=config.model.spatial_width,
        memory_mode=config.model.memory_mode,
        precision=config.model.precision,
        tile=config.model.tile,
        actnorm_floor=config.model.actnorm_floor,
        coupling_floor=config.model.coupling_floor,
    )


def build_model(
    config: ConfigDict, schedule: optax.Schedule, mean_gradient: MeanGradient = mean_gradient
) -> LikelihoodModel:
    """The model that a config names.

    Args:
        config: The config.
        schedule: The learning rate by step.
        mean_gradient: How gradients are taken over a batch.

    Raises:
        UserError: Where there is no such model, or its numbers are not possible.
    """
    if config.model.name not in MODELS:
        near = difflib.get_close_matches(config.model.name, MODELS, n=1, cutoff=0) or MODELS
        raise UserError(
            f"config.model.name={config.model.name!r} is not a model here; "
            f"did you mean {near[0]!r}? There are: {', '.join(MODELS)}."
        )
    return ConditionalFlow(
        build_architecture(config),
        bits=config.data.bits,
        source_weight=config.optimizer.source_weight,
        optimizer=clipped_adam(schedule, config.optimizer.clip_norm),
        mean_gradient=mean_gradient,
    )
