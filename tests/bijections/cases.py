"""Every bijection, with random parameters that keep it well-conditioned."""

from dataclasses import dataclass
from functools import cache, partial

import jax
import numpy as np

from fullglow_jax.bijections import ActNorm, AffineCoupling, InvertibleConvolution, Squeeze
from fullglow_jax.flows.conditioners.coupling_net import Coupling
from fullglow_jax.flows.conditioners.spatial_net import Spatial
from fullglow_jax.flows.conditioners.vector_net import Vector
from fullglow_jax.layers.precision import Compute
from tests.layers.variables import perturbed, quick_key

CONDITION_CHANNELS = 3

EXACT = Compute()


def actnorm_centre(rng, channels):
    """Scales of either sign, then shifts."""
    return {"scale": rng.choice([-1.0, 1.0], channels), "shift": np.zeros(channels)}


def matrix_centre(rng, channels):
    return {"weight": np.linalg.qr(rng.standard_normal((channels, channels)))[0]}


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

    def __str__(self):
        return f"{self.kind}, conditional" if self.conditional else self.kind

    def module(self, channels, compute=EXACT):
        vector = Vector(compute) if self.conditional else None
        spatial = Spatial(4, compute) if self.conditional else None
        coupling = Coupling(8, compute)
        return {
            "actnorm": lambda: ActNorm(channels, vector),
            "floored actnorm": lambda: ActNorm(channels, vector, floor=0.7),
            "convolution": lambda: InvertibleConvolution(channels, False, vector),
            "LU convolution": lambda: InvertibleConvolution(channels, True, vector),
            "coupling": lambda: AffineCoupling(channels, coupling, spatial),
            "floored coupling": lambda: AffineCoupling(channels, coupling, spatial, floor=0.8),
            "squeeze": Squeeze,
        }[self.kind]()

    def inputs(self, shape, seed, dtype):
        """An image batch, and a condition or None."""
        rng = np.random.default_rng(seed)
        x = rng.standard_normal(shape)
        condition = rng.standard_normal((*shape[:3], CONDITION_CHANNELS))
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
            "convolution": matrix_centre,
            "LU convolution": factors_centre,
        }.get(self.kind, nothing)(rng, channels)
        if centre and self.conditional:
            flat = np.concatenate([value.ravel() for value in centre.values()])
            variables["params"]["vector_net"]["output"]["bias"] = flat
        else:
            variables["params"].update(centre)
        if "constants" in variables:
            variables["constants"] = {
                "permutation": np.eye(channels)[rng.permutation(channels)],
                "sign": rng.choice([-1.0, 1.0], channels),
            }
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
    Case("squeeze"),
]
