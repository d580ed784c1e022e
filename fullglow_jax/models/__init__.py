"""Compositions of bijections into models, behind one interface, chosen by the config."""

import difflib

import optax
from ml_collections import ConfigDict

from fullglow_jax.errors import UserError
from fullglow_jax.models.architecture import SMALLEST_LEVEL, Architecture
from fullglow_jax.models.conditional_flow import ConditionalFlow
from fullglow_jax.models.interface import LikelihoodModel
from fullglow_jax.models.mean_gradient import MeanGradient, mean_gradient
from fullglow_jax.models.optimizer import clipped_adam
from fullglow_jax.models.segmentation import Segmentation, SegmentationArchitecture
from fullglow_jax.models.unconditional_flow import UnconditionalFlow
from fullglow_jax.segmentation import PSPNetArchitecture

FULL_GLOW, GLOW, PSPNET = MODELS = ("full_glow", "glow", "pspnet")


def build_architecture(config: ConfigDict) -> Architecture | SegmentationArchitecture:
    """The shapes that a config asks for.

    Raises:
        UserError: Where there is no such model, or its numbers or its data are not possible.
    """
    name = config.model.name
    if name not in MODELS:
        near = difflib.get_close_matches(name, MODELS, n=1, cutoff=0) or MODELS
        raise UserError(
            f"config.model.name={name!r} is not a model here; "
            f"did you mean {near[0]!r}? There are: {', '.join(MODELS)}."
        )
    if name != FULL_GLOW and config.model.condition != "source":
        raise UserError(
            f"config.model.condition={config.model.condition!r} means nothing to a {name}, which "
            "reads no boundary map. Leave it out, or set --config.model.name=full_glow."
        )
    if name == PSPNET:
        return _segmentation_architecture(config)
    if name == FULL_GLOW and config.data.name == "images":
        raise UserError(
            "config.data.name='images' are single images, and a full_glow needs a condition for "
            "each. Set --config.model.name=glow, or name a source of pairs."
        )
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
        # Only vector nets, which read conditions, need more than a pixel.
        smallest_level=1 if name == GLOW else SMALLEST_LEVEL,
    )


def _segmentation_architecture(config: ConfigDict) -> SegmentationArchitecture:
    direction = config.data.direction
    if config.data.name in ("cityscapes", "street_scenes") and direction != "photo2label":
        raise UserError(
            f"config.data.direction={direction!r}: a pspnet reads photos and draws label maps. "
            "Set --config.data.direction=photo2label, and --config.data.label_files=labelIds so "
            "that no colours are mixed."
        )
    of = config.model.pspnet
    return SegmentationArchitecture(
        tuple(config.data.image_size),
        PSPNetArchitecture(
            blocks=tuple(of.blocks),
            width=of.width,
            bins=tuple(of.bins),
            norm="group",
            dropout=of.dropout,
        ),
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
    architecture = build_architecture(config)
    of = config.optimizer
    optimizer = clipped_adam(schedule, of.clip_norm, of.clip_spikes)
    if isinstance(architecture, SegmentationArchitecture):
        return Segmentation(architecture, optimizer=optimizer, mean_gradient=mean_gradient)
    if config.model.name == GLOW:
        return UnconditionalFlow(
            architecture,
            bits=config.data.bits,
            optimizer=optimizer,
            mean_gradient=mean_gradient,
        )
    return ConditionalFlow(
        architecture,
        bits=config.data.bits,
        source_weight=config.optimizer.source_weight,
        optimizer=optimizer,
        mean_gradient=mean_gradient,
    )
