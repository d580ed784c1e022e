"""The families of models by name: the only file that knows them all."""

import difflib
from collections.abc import Callable
from typing import Any, NamedTuple

import optax
from ml_collections import ConfigDict

from fullglow_jax.data.options import chosen_direction
from fullglow_jax.data.source import SOURCES, opened_layout, part_of
from fullglow_jax.errors import UserError, with_article
from fullglow_jax.flows.architecture import (
    CFlowArchitecture,
    CGlowArchitecture,
    DualGlowArchitecture,
    FlowArchitecture,
    FullGlowArchitecture,
    GlowArchitecture,
)
from fullglow_jax.flows.cycle_model import CycleFlowModel
from fullglow_jax.flows.families import (
    CFlowSettings,
    CGlowSettings,
    DualGlowSettings,
    FullGlowSettings,
    GlowSettings,
)
from fullglow_jax.flows.flow import Flow
from fullglow_jax.flows.model import ConditionalFlowModel, FlowModel, JointFlowModel
from fullglow_jax.flows.step_tables import c_flow, c_glow, dual_glow, full_glow, glow
from fullglow_jax.gans.architecture import Pix2PixArchitecture
from fullglow_jax.gans.families import InadeSettings, Pix2PixSettings
from fullglow_jax.gans.inade_architecture import InadeArchitecture
from fullglow_jax.gans.instance_model import InstanceGan
from fullglow_jax.gans.learner import Optimizers
from fullglow_jax.gans.model import GanModel, Turns
from fullglow_jax.gans.noise import dropout_masks, normal_styles
from fullglow_jax.gans.objective import Objective
from fullglow_jax.gans.perceptual import PerceptualNetwork
from fullglow_jax.layers.precision import Compute
from fullglow_jax.models.interface import Model
from fullglow_jax.models.mean_gradient import MeanGradient, mean_gradient
from fullglow_jax.models.shapes import Shapes
from fullglow_jax.optimization.optimizer import build_optimizer
from fullglow_jax.segmentation.architecture import PSPNetArchitecture, PSPNetSettings
from fullglow_jax.segmentation.model import Segmentation

FULL_GLOW, C_GLOW, C_FLOW, DUAL_GLOW = "full_glow", "c_glow", "c_flow", "dual_glow"
GLOW, PIX2PIX, INADE, PSPNET = "glow", "pix2pix", "inade", "pspnet"


class Family(NamedTuple):
    """A family of models.

    Attributes:
        in_words: Its name in texts.
        settings: The class of `config.model`, without the name: a frozen dataclass of keys
            (`settings/section.py`), with the paper's values.
        shapes: The shapes of a config's model; raises a UserError if they, or the config's data,
            are not possible.
        build: (config, learning rate by step, computation of gradients) → the model.
        temperature: The temperature that its models are used at, the default of
            `config.train.temperature`.
    """

    in_words: str
    settings: type[Any]
    shapes: Callable[[ConfigDict], Shapes]
    build: Callable[[ConfigDict, optax.Schedule, MeanGradient], Model]
    temperature: float = 0.7


def build_architecture(config: ConfigDict) -> Shapes:
    """The shapes of a config's model, which data needs before there is a model.

    Raises:
        UserError: If there is no such model, or its numbers or its data are not possible.
    """
    return family_of(config.model.name).shapes(config)


def build_model(
    config: ConfigDict, schedule: optax.Schedule, mean_gradient: MeanGradient = mean_gradient
) -> Model:
    """The model that a config names; the schedule is the learning rate by step.

    Raises:
        UserError: If there is no such model, or its numbers are not possible.
    """
    return family_of(config.model.name).build(config, schedule, mean_gradient)


def family_of(name: str) -> Family:
    """The family of that name.

    Raises:
        UserError: If there is none.
    """
    if name not in FAMILIES:
        near = difflib.get_close_matches(str(name), FAMILIES, n=1, cutoff=0) or list(FAMILIES)
        raise UserError(
            f"config.model.name={name!r} is not a model here; "
            f"did you mean {near[0]!r}? There are: {', '.join(FAMILIES)}."
        )
    return FAMILIES[name]


def settings_of(config: ConfigDict) -> Any:
    """`config.model` as its family's settings."""
    values = config.model.to_dict()
    family = family_of(values.pop("name"))
    # A config may have lists for tuples, but compilation needs tuples, which can be hashed.
    return family.settings(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


# ---- flows ---------------------------------------------------------------------------------------


def _flow_family(
    in_words: str,
    settings: type[Any],
    architecture: type[FlowArchitecture],
    flow: Callable[[Any], Flow],
    model: Callable[..., FlowModel],
    *checks: Callable[[ConfigDict], None],
) -> Family:
    """A family of flows.

    Args:
        in_words: As in `Family`.
        settings: As in `Family`.
        architecture: The family's architecture, which takes the values of its settings.
        flow: Builds the flow of an architecture.
        model: (flow, config, options of every `FlowModel`) → the model.
        checks: Raise a UserError if a config's data is not possible.
    """

    def shapes(config: ConfigDict) -> FlowArchitecture:
        for check in checks:
            check(config)
        if not architecture.reads_classes:
            _check_no_classes(config)
        return architecture(
            tuple(config.data.image_size),
            boundary_maps=config.data.boundary,
            classes=len(config.data.classes or ()),
            **vars(settings_of(config)),
        )

    def build(config: ConfigDict, schedule: optax.Schedule, mean_gradient: MeanGradient) -> Model:
        return model(
            flow(shapes(config)),
            config,
            bits=config.data.bits,
            optimizer=build_optimizer(config.optimizer, schedule),
            mean_gradient=mean_gradient,
        )

    return Family(in_words, settings, shapes, build)


def _images(flow: Flow, config: ConfigDict, **options: Any) -> FlowModel:
    return FlowModel(flow, centred=config.model.centred, **options)


def _pairs(flow: Flow, config: ConfigDict, **options: Any) -> FlowModel:
    return JointFlowModel(flow, source_weight=config.model.source_weight, **options)


def _pairs_with_cycle(flow: Flow, config: ConfigDict, **options: Any) -> FlowModel:
    if not (weight := config.model.cycle_weight):
        return _pairs(flow, config, **options)
    source_weight = config.model.source_weight
    return CycleFlowModel(flow, cycle_weight=weight, source_weight=source_weight, **options)


def _targets(flow: Flow, config: ConfigDict, **options: Any) -> FlowModel:
    del config
    return ConditionalFlowModel(flow, **options)


def _check_pairs(config: ConfigDict) -> None:
    if config.data.name == "images":
        raise UserError(
            "config.data.name='images' are single images, and "
            f"{with_article(config.model.name)} needs a "
            "condition for each. Set --config.model.name=glow, or name a source of pairs."
        )


# ---- GANs ----------------------------------------------------------------------------------------


def _pix2pix_shapes(config: ConfigDict) -> Pix2PixArchitecture:
    for check in (_check_pairs, _check_no_boundary, _check_no_classes):
        check(config)
    return Pix2PixArchitecture(
        tuple(config.data.image_size),
        batch=config.train.batch_size // config.train.accumulate,
        **vars(settings_of(config)),
    )


def _pix2pix(config: ConfigDict, schedule: optax.Schedule, mean_gradient: MeanGradient) -> Model:
    del mean_gradient  # batch norms have the whole batch's statistics, not each device's
    a = _pix2pix_shapes(config)
    optimizer = build_optimizer(config.optimizer, schedule)
    products = Compute(a.precision).products
    perceptual = PerceptualNetwork(a.perceptual_network, a.perceptual_file, products)
    return GanModel(
        a.generator,
        a.discriminator_network,
        a,
        noise=lambda keys, warmth, _: dropout_masks(keys, a.noise_shapes, a.dropout * warmth),
        objective=Objective(
            adversarial=a.adversarial,
            penalty=a.penalty_weight,
            pixels=a.pixel_weight,
            matching=a.matching_weight,
            perceptual=a.perceptual_weight,
            features=perceptual,
            layers=perceptual.layers,
        ),
        optimizers=Optimizers(optimizer, optimizer),
        turns=Turns(a.first == "discriminator", a.redraw),
        parts=config.train.accumulate,
        running_statistics=a.running_statistics,
        teacher=perceptual if a.perceptual_weight else None,
    )


def _check_label_maps(config: ConfigDict) -> None:
    """Checks that conditions are label maps whose colours are those of the model's palette."""
    data, palette = config.data, config.model.palette
    parts = SOURCES[data.name].parts
    label, photo = part_of(data, "condition"), part_of(data, "target")
    if "photo" in parts[chosen_direction(None, parts)] and (label, photo) != ("label", "photo"):
        raise UserError(
            f"config.data.direction={data.direction!r}: an inade reads label maps and draws "
            "photos. Set --config.data.direction=label2photo."
        )
    if data.name == "mnist":
        raise UserError(
            "config.data.name='mnist' has no label maps, which an inade reads: its conditions are "
            "of one class each. Set --config.model.name=dual_glow, or name other data."
        )
    layout = opened_layout(data)
    numbered = layout is not None and label in layout.numbered
    if not (numbered or data.label_files != "color" or label in (data.label_maps or ())):
        raise UserError(
            "The colours of label maps are classes to an inade, and resizing would mix them. Set "
            f"--config.data.label_maps={label}, so that they are resized by nearest neighbour."
        )
    if numbered and palette != "numbers":
        raise UserError(
            f"config.model.palette={palette!r} are not the colours of this data's label maps, "
            "which are those of numbers. Set --config.model.palette=numbers."
        )
    if palette == "numbers" and not numbered:
        raise UserError(
            f"config.model.palette='numbers' and config.data.label_colours={data.label_colours!r} "
            "are of other colours. Set --config.data.label_colours=numbers, for label maps that "
            "are ids, or --config.model.palette=cityscapes."
        )


def _inade_shapes(config: ConfigDict) -> InadeArchitecture:
    for check in (_check_pairs, _check_no_boundary, _check_no_classes, _check_label_maps):
        check(config)
    return InadeArchitecture(
        tuple(config.data.image_size),
        batch=config.train.batch_size // config.train.accumulate,
        **vars(settings_of(config)),
    )


def _inade(config: ConfigDict, schedule: optax.Schedule, mean_gradient: MeanGradient) -> Model:
    del mean_gradient  # as in `_pix2pix`
    a = _inade_shapes(config)
    products = Compute(a.precision).products
    perceptual = PerceptualNetwork(a.perceptual_network, a.perceptual_file, products)
    rates = (
        lambda step, factor=factor: factor * schedule(step)
        for factor in (a.generator_rate, a.discriminator_rate)
    )
    return InstanceGan(
        a.generator,
        a.discriminator_network,
        a,
        label_maps=a.label_maps,
        image_noise=a.image_noise,
        encoder=a.encoder,
        noise=lambda keys, warmth, read: normal_styles(keys, read.ids, a.noise_sizes, warmth),
        objective=Objective(
            adversarial=a.adversarial,
            share=1.0,
            pixels=a.pixel_weight,
            matching=a.matching_weight,
            matching_layers=a.matching_layers,
            perceptual=a.perceptual_weight,
            features=perceptual,
            layers=a.perceptual_layers,
            # Theirs is a sum over the batch; a loss here is a mean.
            own={"kl": a.kl_weight / 2 * config.train.batch_size} if a.encoder else {},
        ),
        optimizers=Optimizers(*(build_optimizer(config.optimizer, rate) for rate in rates)),
        turns=Turns(a.first == "discriminator", a.redraw),
        parts=config.train.accumulate,
        together=True,
        running_statistics=a.running_statistics,
        teacher=perceptual if a.perceptual_weight else None,
    )


# ---- segmentation --------------------------------------------------------------------------------


def _pspnet_shapes(config: ConfigDict) -> Shapes:
    _check_no_boundary(config)
    _check_no_classes(config)
    direction = config.data.direction
    if config.data.name in ("cityscapes", "street_scenes") and direction != "photo2label":
        raise UserError(
            f"config.data.direction={direction!r}: a pspnet reads photos and draws label maps. "
            "Set --config.data.direction=photo2label, and --config.data.label_files=labelIds so "
            "that no colours are mixed."
        )
    return Shapes(tuple(config.data.image_size))


def _pspnet(config: ConfigDict, schedule: optax.Schedule, mean_gradient: MeanGradient) -> Model:
    return Segmentation(
        PSPNetArchitecture(norm="group", **vars(settings_of(config))),
        _pspnet_shapes(config),
        optimizer=build_optimizer(config.optimizer, schedule),
        mean_gradient=mean_gradient,
    )


# ---- shared by families --------------------------------------------------------------------------


def _check_no_boundary(config: ConfigDict) -> None:
    name, boundary = config.model.name, config.data.boundary
    if boundary:
        raise UserError(
            f"config.data.boundary={boundary!r} means nothing to {with_article(name)}, which "
            "reads no "
            "boundary map. Leave it out, or set --config.model.name=full_glow."
        )


def _check_no_classes(config: ConfigDict) -> None:
    name, labels = config.model.name, config.data.labels
    if labels or config.data.classes:
        raise UserError(
            f"config.data.{'labels' if labels else 'classes'}={labels or config.data.classes!r} "
            f"means nothing to {with_article(name)}, which reads no class of an example. Leave "
            "it out, or set "
            "--config.model.name=glow or dual_glow."
        )


FAMILIES = {
    FULL_GLOW: _flow_family(
        "Full-Glow", FullGlowSettings, FullGlowArchitecture, full_glow, _pairs, _check_pairs
    ),
    C_GLOW: _flow_family(
        "C-Glow",
        CGlowSettings,
        CGlowArchitecture,
        c_glow,
        _targets,
        _check_pairs,
        _check_no_boundary,
    ),
    C_FLOW: _flow_family(
        "C-Flow", CFlowSettings, CFlowArchitecture, c_flow, _pairs_with_cycle, _check_pairs
    ),
    DUAL_GLOW: _flow_family(
        "DUAL-Glow",
        DualGlowSettings,
        DualGlowArchitecture,
        dual_glow,
        _pairs,
        _check_pairs,
        _check_no_boundary,
    ),
    GLOW: _flow_family("Glow", GlowSettings, GlowArchitecture, glow, _images, _check_no_boundary),
    PIX2PIX: Family("pix2pix", Pix2PixSettings, _pix2pix_shapes, _pix2pix, temperature=1.0),
    INADE: Family("INADE", InadeSettings, _inade_shapes, _inade, temperature=1.0),
    PSPNET: Family("PSPNet", PSPNetSettings, _pspnet_shapes, _pspnet),
}
"""By `config.model.name`."""
