"""Tables of a level's operations and priors, for each family."""

from typing import NamedTuple

import flax.linen as nn
import jax
from jax import Array

from fullglow_jax.bijections import (
    ActNorm,
    AffineCoupling,
    Bijection,
    InvertibleConvolution,
    Permutation,
)
from fullglow_jax.bijections.base import Conditioner
from fullglow_jax.bijections.coupling_scales import ExponentialScale, Scale, sigmoid_scale
from fullglow_jax.flows.architecture import (
    CFlowArchitecture,
    CGlowArchitecture,
    DualGlowArchitecture,
    FlowArchitecture,
    FullGlowArchitecture,
    GlowArchitecture,
)
from fullglow_jax.flows.conditioners.coupling_net import Coupling
from fullglow_jax.flows.conditioners.edge_coupling_net import EdgeCoupling
from fullglow_jax.flows.conditioners.free_top import FreeTop
from fullglow_jax.flows.conditioners.label_net import Label
from fullglow_jax.flows.conditioners.prior_net import EdgeTop, KeptHalf
from fullglow_jax.flows.conditioners.raw import Raw
from fullglow_jax.flows.conditioners.resize_net import Resize
from fullglow_jax.flows.conditioners.source_latent_net import SourceLatent
from fullglow_jax.flows.conditioners.spatial_net import Spatial
from fullglow_jax.flows.conditioners.strided_vector_net import (
    StridedVector,
    live_start,
    live_zero_start,
    random_start,
    silent_start,
)
from fullglow_jax.flows.conditioners.tanh_coupling_net import TanhCoupling
from fullglow_jax.flows.conditioners.tanh_prior_net import TanhKeptHalf
from fullglow_jax.flows.conditioners.vector_net import Vector
from fullglow_jax.flows.flow import Flow, LevelMaps
from fullglow_jax.flows.level import LevelTable
from fullglow_jax.flows.priors import Prior
from fullglow_jax.flows.step import Operation
from fullglow_jax.models.encoding import Images

IMAGE, SOURCE, TARGET = "image", "source", "target"
"""Names of images."""

BOUNDARY, LABEL, CONDITION = "boundary", "label", "condition"
"""Names of maps: boundary maps, (B, h, w, 3) per level; one-hot classes, (B, classes); any others,
(B, h, w, C) per level, or the same whole image, (B, H, W, C), at every level."""


def glow(architecture: GlowArchitecture) -> Flow:
    """p(image), or p(image | class) (Kingma, Dhariwal 2018)."""
    # Only the priors read a class, so it is ε that stays of an image under another one.
    return Flow(architecture, glow_level, (IMAGE,), keeps_noise=architecture.classes > 0)


def full_glow(architecture: FullGlowArchitecture) -> Flow:
    """p(source) and p(target | source) (Sorkhei, Henter, Kjellström 2021)."""
    return Flow(architecture, full_glow_level, (SOURCE, TARGET))


def c_flow(architecture: CFlowArchitecture) -> Flow:
    """p(source) and p(target | source) (Pumarola et al. 2020)."""
    return Flow(architecture, c_flow_level, (SOURCE, TARGET))


def dual_glow(architecture: DualGlowArchitecture) -> Flow:
    """p(source) and p(target | source) (Sun et al. 2019)."""
    return Flow(architecture, dual_glow_level, (SOURCE, TARGET), keeps_noise=True)


def c_glow(architecture: CGlowArchitecture) -> Flow:
    """p(target | condition) (Lu, Huang 2020)."""
    return Flow(architecture, c_glow_level, (TARGET,))


# ---- a level of each family ----------------------------------------------------------------------


def glow_level(architecture: GlowArchitecture, level: int) -> LevelTable:
    """The operations read nothing, and the prior the kept half or nothing, and the class."""
    a, channels = architecture, architecture.level_channels[level]
    start = GLOW_DEVIATIONS[a.start]
    operations: dict[str, Bijection] = {}
    if a.actnorm != "none":
        exponent = 0.0 if a.actnorm == "scale" else 1.0
        operations["actnorm"] = ActNorm(channels, None, a.actnorm_floor, exponent)
    if a.permute:
        operations["permutation"] = Permutation(channels)
    else:
        operations["convolution"] = InvertibleConvolution(channels, a.lu, None, start.convolution)
    net = Coupling(a.coupling_width, a.compute, start.kernel, start.bias)
    raw = Raw() if a.condition_maps else None
    scale = coupling_scale(a)
    couplings = {
        "first": AffineCoupling(channels, net, raw, a.coupling_floor, scale, moves_first=True),
        "second": AffineCoupling(channels, net, raw, a.coupling_floor, scale),
    }
    if a.coupled_half == "both":
        operations |= {f"coupling_of_{half}": coupling for half, coupling in couplings.items()}
    else:
        operations["coupling"] = couplings[a.coupled_half]
    rows = tuple(
        Operation(IMAGE, name, each, (CONDITION,) if raw and "coupling" in name else ())
        for name, each in operations.items()
    )
    base = KeptHalf(a.compute.tile) if a.prior == "learned" else None
    return LevelTable(rows, {IMAGE: Prior(a.latent_shapes[level][-1], base, class_shifts(a))})


def full_glow_level(architecture: FullGlowArchitecture, level: int) -> LevelTable:
    """Every operation of the target reads the output of the source's operation before it."""
    source = glow_step(architecture, level, SOURCE)
    target = glow_step(architecture, level, TARGET, conditions(architecture))
    priors = {image: kept_half_prior(architecture, level) for image in (SOURCE, TARGET)}
    return LevelTable(alternating(source, target), priors)


def c_flow_level(architecture: CFlowArchitecture, level: int) -> LevelTable:
    """Of the target's operations, only the coupling reads the source's output."""
    features = Raw() if architecture.coupling_reads == "raw" else None
    source = glow_step(architecture, level, SOURCE)
    actnorm, convolution, _ = glow_step(architecture, level, TARGET)
    *_, coupling = glow_step(architecture, level, TARGET, conditions(architecture), features)
    priors = {image: kept_half_prior(architecture, level) for image in (SOURCE, TARGET)}
    return LevelTable(alternating(source, (actnorm, convolution, coupling)), priors)


def dual_glow_level(architecture: DualGlowArchitecture, level: int) -> LevelTable:
    """The operations read nothing; the target's prior reads the source's latent."""
    source = dual_glow_step(architecture, level, SOURCE)
    target = dual_glow_step(architecture, level, TARGET)
    channels = architecture.latent_shapes[level][-1]
    top = EdgeTop(architecture.compute.tile) if level == architecture.levels - 1 else None
    shifts = ((SOURCE, SourceLatent()), *class_shifts(architecture))
    priors = {SOURCE: Prior(channels, top), TARGET: Prior(channels, top, shifts)}
    return LevelTable((*source, *target), priors)


def c_glow_level(architecture: CGlowArchitecture, level: int) -> LevelTable:
    """Every operation reads the whole condition, through networks of its own."""
    a, channels, compute = architecture, architecture.level_channels[level], architecture.compute
    live = a.start == "live"
    of_actnorm, of_convolution = (
        StridedVector(a.vector_channels, a.vector_width, start, compute)
        for start in ((live_zero_start, live_start) if live else (silent_start, random_start))
    )
    features = Resize(2 ** (level + 1), None if live else nn.initializers.zeros, compute)
    coupling = TanhCoupling(a.coupling_width, compute)
    bijections = {
        "actnorm": ActNorm(channels, of_actnorm, a.actnorm_floor, exponent=1.0),
        "convolution": InvertibleConvolution(channels, False, of_convolution),
        "coupling": AffineCoupling(channels, coupling, features, a.coupling_floor),
    }
    operations = tuple(Operation(TARGET, name, b, (CONDITION,)) for name, b in bijections.items())
    last = level == a.levels - 1
    base = FreeTop(a.learn_top) if last else TanhKeptHalf(compute.tile)
    return LevelTable(operations, {TARGET: Prior(a.latent_shapes[level][-1], base)})


# ---- parts of tables -----------------------------------------------------------------------------


def glow_step(
    architecture: FullGlowArchitecture | CFlowArchitecture,
    level: int,
    image: str,
    reads: tuple[str, ...] = (),
    features: Conditioner | None = None,
) -> tuple[Operation, ...]:
    """Actnorm, invertible 1×1 convolution and affine coupling of one image.

    Args:
        architecture: The model's numbers.
        level: Index of the level.
        image: Name of the image.
        reads: Names of the images and maps that all three read; none for own parameters.
        features: Builds the network between what is read and the coupling; a spatial net if not
            given.
    """
    a, channels = architecture, architecture.level_channels[level]
    vector = Vector(a.compute) if reads else None
    spatial = features or Spatial(a.spatial_width, a.compute) if reads else None
    coupling = Coupling(a.coupling_width, a.compute)
    bijections = {
        "actnorm": ActNorm(channels, vector, a.actnorm_floor),
        "convolution": InvertibleConvolution(channels, a.lu, vector),
        "coupling": AffineCoupling(channels, coupling, spatial, a.coupling_floor),
    }
    return tuple(Operation(image, name, b, reads) for name, b in bijections.items())


def dual_glow_step(
    architecture: DualGlowArchitecture, level: int, image: str
) -> tuple[Operation, ...]:
    """Actnorm, a full matrix, and a coupling whose network has an edge channel and actnorms."""
    a, channels = architecture, architecture.level_channels[level]
    coupling = EdgeCoupling(a.coupling_width, a.compute)
    bijections = {
        "actnorm": ActNorm(channels, None, a.actnorm_floor, exponent=3.0),
        "convolution": InvertibleConvolution(channels, a.lu),
        "coupling": AffineCoupling(channels, coupling, None, a.coupling_floor),
    }
    return tuple(Operation(image, name, b) for name, b in bijections.items())


class Deviations(NamedTuple):
    """Deviations of the normal distributions from which a Glow's weights start.

    Attributes:
        convolution: Of LU factors; None for those of a random rotation.
        kernel: Of the kernels that are hidden in coupling nets.
        bias: Of their biases.
    """

    convolution: float | None
    kernel: float
    bias: float


GLOW_DEVIATIONS = {
    "intended": Deviations(None, 0.05, 0.0),
    "published": Deviations(0.01, 0.01, 0.01),
}
"""By `config.model.start`."""


def coupling_scale(architecture: GlowArchitecture) -> Scale | None:
    """The scale of a Glow's couplings; None if they are additive."""
    if architecture.coupling == "additive":
        return None
    if architecture.coupling_scale == "sigmoid":
        return sigmoid_scale
    activation = architecture.coupling_scale.removeprefix("exp_")
    return ExponentialScale(activation, architecture.coupling_clamp)


def conditions(architecture: FlowArchitecture) -> tuple[str, ...]:
    """Names of what the target's operations read: the source, and boundary maps if there are."""
    return (SOURCE, BOUNDARY) if architecture.boundary else (SOURCE,)


def class_shifts(architecture: FlowArchitecture) -> tuple[tuple[str, Conditioner], ...]:
    """The shift of a prior by the example's class; none if the model has no classes."""
    return ((LABEL, Label()),) if architecture.classes else ()


def alternating(
    source: tuple[Operation, ...], target: tuple[Operation, ...]
) -> tuple[Operation, ...]:
    """The operations of two images in turns, so that each of the target reads the source's."""
    return tuple(operation for both in zip(source, target, strict=True) for operation in both)


def kept_half_prior(architecture: FlowArchitecture, level: int) -> Prior:
    """The prior that reads the kept half; at the last level, the learned top."""
    return Prior(architecture.latent_shapes[level][-1], KeptHalf(architecture.compute.tile))


# ---- maps that tables read -----------------------------------------------------------------------


def boundary_maps(boundary: Images) -> LevelMaps:
    """Boundary maps, (B, h, w, 3) per level, under the name that operations read, if any."""
    return {BOUNDARY: boundary} if boundary else {}


def whole_condition(condition: Array, architecture: FlowArchitecture) -> LevelMaps:
    """The same image, (B, H, W, C), at every level, under the name that operations read."""
    return {CONDITION: (condition,) * architecture.levels}


def label_maps(label: Array | None, architecture: FlowArchitecture) -> LevelMaps:
    """Classes, (B,), one-hot under the name that priors read, if any."""
    if not architecture.classes or label is None:
        return {}
    return {LABEL: (jax.nn.one_hot(label, architecture.classes),) * architecture.levels}
