"""The families of flows as sections of the config, with their papers' numbers."""

from dataclasses import dataclass

from fullglow_jax.bijections.coupling_scales import ACTIVATIONS
from fullglow_jax.errors import UserError
from fullglow_jax.layers.precision import PRECISIONS
from fullglow_jax.settings.rules import choice, integer, integers, number, optional, truth
from fullglow_jax.settings.section import Change, check_values, key

MEMORY_MODES = ("store", "remat", "invert")

ACTNORMS = ("scale", "log_scale", "none")
COUPLINGS = ("affine", "additive")
HALVES = ("first", "second", "both")
COUPLING_SCALES = ("sigmoid", *(f"exp_{name}" for name in ACTIVATIONS))
PRIORS = ("learned", "standard")
NETS = ("raw", "spatial")
GLOW_STARTS = ("intended", "published")
C_GLOW_STARTS = ("live", "published")

_STEPS = integers((8, 8, 8, 8))


@dataclass(frozen=True)
class FlowSettings:
    """The part of `config.model` that all flows have."""

    steps: tuple[int, ...] = key((8, 8, 8, 8), _STEPS, Change.REFUSED)  # a level
    coupling_width: int = key(512, integer(), Change.REFUSED)  # channels hidden in coupling nets
    # The activations that are stored for the backward pass. "store": those of every step. "remat":
    # every step's input and its couplings' scales and shifts; the rest is computed again. "invert":
    # the last step's output only; the rest is computed by inverting the steps, so that memory does
    # not grow with depth.
    memory_mode: str = key("remat", choice(MEMORY_MODES))
    # Precision inside the networks: "float32", "bfloat16" or "highest". NVIDIA's GPUs multiply
    # "float32" in TF32, with ten bits of mantissa, and "highest" with all 23, as the flow's own
    # products always are.
    precision: str = key("float32", choice(PRECISIONS))
    # The wide hidden layers of this many pixels, over the batch, are in memory at a time (except in
    # training with "store"); 0 for all; chosen by the device if not given.
    tile: int | None = key(None, optional(integer(0)))
    # Lower limits of the scales of actnorms and couplings, against overflow. The paper has none.
    actnorm_floor: float = key(0.0, number(below=1.0), Change.TRAINED)
    coupling_floor: float = key(0.0, number(below=1.0), Change.TRAINED)

    def __post_init__(self) -> None:
        check_values(self, "config.model.")


@dataclass(frozen=True)
class GlowSettings(FlowSettings):
    """`config.model` of a Glow, a flow of the targets alone (Glow, section 3).

    By default, it is the source of a Full-Glow. `dajinstory/glow-pytorch` has an exponential
    actnorm, couplings of the first half with the scale "exp_glow", standard normal priors, and
    centred pixels.
    """

    # 1×1 convolutions by LU factors.
    lu: bool = key(True, truth(), Change.REFUSED, lambda config: not config.model.permute)
    # A fixed random order of the channels in place of the 1×1 convolution.
    permute: bool = key(False, truth(), Change.REFUSED)
    # What an actnorm trains: its scale, or the scale's logarithm; or there is none.
    actnorm: str = key("scale", choice(ACTNORMS), Change.REFUSED)
    # Whether a coupling scales and shifts, or only shifts.
    coupling: str = key("affine", choice(COUPLINGS), Change.REFUSED)
    # The half of the channels that a coupling moves; of "both", the first, and then the second.
    coupled_half: str = key("second", choice(HALVES), Change.REFUSED)
    # The scale of an affine coupling: sigmoid(r + 2), or e to the power of a bounded function of r.
    coupling_scale: str = key("sigmoid", choice(COUPLING_SCALES), Change.REFUSED)
    # A factor of that function; `dajinstory/glow-pytorch` has 2 for tanh, sigmoid and arc tangent.
    coupling_clamp: float = key(1.0, number(above=True), Change.REFUSED)
    # The prior of each level's latent: learned, of the kept half; or standard normal.
    prior: str = key("learned", choice(PRIORS), Change.REFUSED)
    # Whether the flow's pixels are p / 2ⁿ − ½ of n bits, in place of p / 255, or p / 2ⁿ if n < 8.
    centred: bool = key(False, truth(), Change.REFUSED)
    # The start of 1×1 convolutions and coupling nets. "intended": random rotations, and the paper's
    # N(0, 0.05²). "published": N(0, 0.01²) for all, LU factors and biases too, so that there is no
    # rotation, as the code of `dajinstory/glow-pytorch` has it.
    start: str = key("intended", choice(GLOW_STARTS), Change.OBJECTIVE)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.start == "published" and not (self.lu or self.permute):
            raise UserError(
                "config.model.start='published' would make a full 1×1 convolution almost zero, "
                "and only has LU factors. Set --config.model.lu=true, or leave the start out."
            )
        if self.coupling_scale == "sigmoid" and self.coupling_clamp != 1.0:
            raise UserError(
                f"config.model.coupling_clamp={self.coupling_clamp:g} means nothing to "
                f"config.model.coupling_scale='sigmoid', which has no such factor. Leave it out."
            )
        if self.coupling == "additive" and self.coupling_scale != "sigmoid":
            raise UserError(
                f"config.model.coupling_scale={self.coupling_scale!r} means nothing to "
                "config.model.coupling='additive', which only shifts. Leave one of them out."
            )


@dataclass(frozen=True)
class FullGlowSettings(FlowSettings):
    """`config.model` of a Full-Glow: two Glows; the target's networks read the source's images."""

    lu: bool = key(True, truth(), Change.REFUSED)  # 1×1 convolutions by LU factors
    spatial_width: int = key(128, integer(), Change.REFUSED)  # channels hidden in spatial nets
    source_weight: float = key(1e-4, number(), Change.OBJECTIVE)  # λ of bits(source)


@dataclass(frozen=True)
class CFlowSettings(FullGlowSettings):
    """`config.model` of a C-Flow: two Glows; the target's couplings alone read the source's images.

    As `MoeinSorkhei/glow2` had it; the paper does not tell its numbers.
    """

    steps: tuple[int, ...] = key((16, 16, 16, 16), _STEPS, Change.REFUSED)  # a level
    # Between the source's image and the target's coupling: nothing, or a spatial net.
    coupling_reads: str = key("raw", choice(NETS), Change.REFUSED)
    source_weight: float = key(1.0, number(), Change.OBJECTIVE)  # λ of bits(source)
    # The weight in the objective of a target's mean absolute difference to the one that is decoded
    # at temperature 0 under its condition. The paper has such a term, but does not tell its weight.
    cycle_weight: float = key(0.0, number(), Change.OBJECTIVE)


@dataclass(frozen=True)
class DualGlowSettings(FlowSettings):
    """`config.model` of a DUAL-Glow: two Glows; the target's priors read the source's latents.

    With the numbers of `MoeinSorkhei/glow2`, which made images of it; the paper's are of volumes.
    """

    steps: tuple[int, ...] = key((16, 16, 16, 16), _STEPS, Change.REFUSED)  # a level
    lu: bool = key(False, truth(), Change.REFUSED)  # 1×1 convolutions by LU factors
    source_weight: float = key(1e-3, number(), Change.OBJECTIVE)  # λ of bits(source)


@dataclass(frozen=True)
class CGlowSettings(FlowSettings):
    """`config.model` of a C-Glow: a Glow of the target; all networks read the whole condition.

    The numbers are those of `c_glow_v2` in `MoeinSorkhei/glow2`: of C-Glow's two rows in the table
    of Full-Glow's paper, probably "v.1".
    """

    steps: tuple[int, ...] = key((8, 8, 8), _STEPS, Change.REFUSED)  # a level
    coupling_width: int = key(104, integer(), Change.REFUSED)  # channels hidden in coupling nets
    vector_channels: int = key(52, integer(), Change.REFUSED)  # of convolutions in vector nets
    vector_width: int = key(26, integer(), Change.REFUSED)  # of dense layers in vector nets
    # The prior of the last level's latent: a mean and a deviation for each of its values, which are
    # trained; or standard normal, and they are there, but do not count.
    learn_top: bool = key(False, truth(), Change.REFUSED)
    # The start of networks that read the condition. "published": zeros, so that of a vector net
    # only the last layer's bias is trained. "live": so that all of it is trained.
    start: str = key("live", choice(C_GLOW_STARTS), Change.OBJECTIVE)
