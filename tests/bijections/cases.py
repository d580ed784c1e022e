"""Every bijection, with random parameters that keep it well-conditioned."""

from dataclasses import dataclass
from functools import cache, partial

import jax
import numpy as np

from fullglow_jax.bijections import (
    ActNorm,
    AffineCoupling,
    InvertibleConvolution,
    Permutation,
    Squeeze,
)
from fullglow_jax.bijections.coupling_scales import ExponentialScale
from fullglow_jax.flows.conditioners.coupling_net import Coupling
from fullglow_jax.flows.conditioners.edge_coupling_net import EdgeCoupling
from fullglow_jax.flows.conditioners.raw import Raw
from fullglow_jax.flows.conditioners.resize_net import Resize
from fullglow_jax.flows.conditioners.spatial_net import Spatial
from fullglow_jax.flows.conditioners.strided_vector_net import StridedVector, live_start
from fullglow_jax.flows.conditioners.tanh_coupling_net import TanhCoupling
from fullglow_jax.flows.conditioners.vector_net import Vector
from fullglow_jax.layers.precision import Compute
from tests.layers.variables import perturbed, quick_key

CONDITION_CHANNELS = 3

EXACT = Compute()


def actnorm_centre(rng, channels):
    """Scales of either sign, then shifts."""
    return {"scale": rng.choice([-1.0, 1.0], channels), "shift": np.zeros(channels)}


def exponential_centre(rng, channels):
    del rng
    return {"log_scale": np.zeros(channels), "shift": np.zeros(channels)}


def matrix_centre(rng, channels):
    return {"weight": np.linalg.qr(rng.standard_normal((channels, channels)))[0]}


def bounded_matrix_centre(rng, channels):
    """Of the tanh of what a network puts out."""
    return {"weight": np.arctanh(0.9 * matrix_centre(rng, channels)["weight"])}


def factors_centre(rng, channels):
    del rng
    square = np.zeros((channels, channels))
    return {"lower": square, "upper": square, "log_scale": np.zeros(channels)}


def nothing(rng, channels):
    del rng, channels
    return {}


@dataclass(frozen=True)
class Case:
    """A bijection and what its own parameters, or its vector net's last bias, vary around."""

    kind: str
    conditional: bool = False
    factor: int = 1  # the condition's size over the image's

    def __str__(self):
        return f"{self.kind}, conditional" if self.conditional else self.kind

    def module(self, channels, compute=EXACT):
        vector = Vector(compute) if self.conditional else None
        spatial = Spatial(4, compute) if self.conditional else None
        coupling, edge = Coupling(8, compute), EdgeCoupling(8, compute)
        raw = Raw() if self.conditional else None
        strided = StridedVector(4, 6, live_start, compute)
        bounded, resize = TanhCoupling(8, compute), Resize(self.factor, None, compute)
        to_the_atan = ExponentialScale("atan", 2.0)
        return {
            "actnorm": lambda: ActNorm(channels, vector),
            "floored actnorm": lambda: ActNorm(channels, vector, floor=0.7),
            "convolution": lambda: InvertibleConvolution(channels, False, vector),
            "LU convolution": lambda: InvertibleConvolution(channels, True, vector),
            "coupling": lambda: AffineCoupling(channels, coupling, spatial),
            "floored coupling": lambda: AffineCoupling(channels, coupling, spatial, floor=0.8),
            "exponential actnorm": lambda: ActNorm(channels, vector, exponent=3.0),
            "coupling of the first half": lambda: AffineCoupling(
                channels, coupling, raw, scale=to_the_atan, moves_first=True
            ),
            "additive coupling": lambda: AffineCoupling(channels, coupling, scale=None),
            "edge coupling": lambda: AffineCoupling(channels, edge, raw),
            "strided actnorm": lambda: ActNorm(channels, strided, exponent=1.0),
            "strided convolution": lambda: InvertibleConvolution(channels, False, strided),
            "bounded coupling": lambda: AffineCoupling(channels, bounded, resize),
            "permutation": lambda: Permutation(channels),
            "squeeze": Squeeze,
        }[self.kind]()

    def inputs(self, shape, seed, dtype):
        """An image batch, and a condition or None."""
        rng = np.random.default_rng(seed)
        x = rng.standard_normal(shape)
        height, width = (self.factor * n for n in shape[1:3])
        condition = rng.standard_normal((shape[0], height, width, CONDITION_CHANNELS))
        return x.astype(dtype), condition.astype(dtype) if self.conditional else None

    def variables(self, shape, seed, dtype):
        """Noise in every parameter, around a centre."""
        rng = np.random.default_rng(seed)
        channels = shape[-1]
        shapes = {"params": {}, **variable_shapes(self, shape)}
        variables = jax.tree.map(lambda leaf: np.zeros(leaf.shape), shapes)
        centre = {
            "actnorm": actnorm_centre,
            "floored actnorm": actnorm_centre,
            "exponential actnorm": exponential_centre,
            "strided actnorm": exponential_centre,
            "convolution": matrix_centre,
            "strided convolution": bounded_matrix_centre,
            "LU convolution": factors_centre,
        }.get(self.kind, nothing)(rng, channels)
        if centre and self.conditional:
            flat = np.concatenate([value.ravel() for value in centre.values()])
            variables["params"]["vector_net"]["output"]["bias"] = flat
        else:
            variables["params"].update(centre)
        if "constants" in variables:
            moved = np.roll(np.arange(channels), 1)  # every channel, however many there are
            order = moved if self.kind == "permutation" else rng.permutation(channels)
            fixed = {
                "permutation": np.eye(channels)[order],
                "sign": rng.choice([-1.0, 1.0], channels),
            }
            variables["constants"] = {name: fixed[name] for name in variables["constants"]}
        return perturbed(variables, seed, dtype, size=0.2)


@cache
def variable_shapes(case, shape):
    """The shapes of a case's variables, for a shape of image."""
    init = partial(case.module(shape[-1]).init, method="forward")
    with jax.enable_x64(False):
        return jax.eval_shape(init, quick_key(), *case.inputs(shape, 0, np.float32))


ACTNORM, ACTNORM_CONDITIONAL = Case("actnorm"), Case("actnorm", True)
COUPLING, COUPLING_CONDITIONAL = Case("coupling"), Case("coupling", True)
CONVOLUTIONS = [
    Case(kind, conditional)
    for kind in ("convolution", "LU convolution")
    for conditional in (False, True)
]
CASES = [
    ACTNORM,
    ACTNORM_CONDITIONAL,
    *CONVOLUTIONS,
    COUPLING,
    COUPLING_CONDITIONAL,
    Case("floored actnorm", True),
    Case("floored coupling"),
    Case("exponential actnorm"),
    Case("coupling of the first half", True),
    Case("additive coupling"),
    Case("edge coupling", True),
    Case("strided actnorm", True, factor=4),
    Case("strided convolution", True, factor=4),
    Case("bounded coupling", True, factor=4),
    Case("permutation"),
    Case("squeeze"),
]
