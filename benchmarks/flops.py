"""Floating-point operations of a flow, counted in the program that JAX traces."""

import math
from collections.abc import Iterator
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, Jaxpr

from fullglow_jax.flows.model import FlowModel
from fullglow_jax.models.batch import blank_batch


def forward_flops(model: FlowModel) -> float:
    """Of encoding one example: multiplications and additions of all products and convolutions.

    What is done per pixel without a kernel (actnorms, activations, densities) is not counted.
    """
    batch, key = blank_batch(model.shapes, 1), jax.random.key(0)
    state = jax.eval_shape(model.init, key, batch)
    keys = jax.random.split(key, 1)
    return _flops(jax.make_jaxpr(model.bits_per_dim)(state.variables, batch, keys).jaxpr)


def training_flops(model: FlowModel) -> float:
    """Of one example's training step: forward, and twice that for the gradients.

    What a memory mode computes again is not counted: it is a price, not work done.
    """
    return 3 * forward_flops(model)


def _flops(program: Jaxpr) -> float:
    flops = 0.0
    for equation in program.eqns:
        times = equation.params["length"] if equation.primitive.name == "scan" else 1
        flops += times * sum(map(_flops, _inside(equation)))
        if equation.primitive.name in MULTIPLIED:
            results = math.prod(equation.outvars[0].aval.shape)
            flops += 2 * results * MULTIPLIED[equation.primitive.name](equation)
    return flops


def _inside(equation: Any) -> Iterator[Jaxpr]:
    """The programs that an equation runs."""
    for parameter in jax.tree.leaves(
        equation.params, is_leaf=lambda each: isinstance(each, ClosedJaxpr | Jaxpr)
    ):
        if isinstance(parameter, ClosedJaxpr | Jaxpr):
            yield getattr(parameter, "jaxpr", parameter)


def _of_product(equation: Any) -> int:
    (contracted, _), _ = equation.params["dimension_numbers"]
    return math.prod(equation.invars[0].aval.shape[axis] for axis in contracted)


def _of_convolution(equation: Any) -> int:
    kernel = equation.invars[1].aval.shape
    features = equation.params["dimension_numbers"].rhs_spec[0]
    return math.prod(kernel) // kernel[features]


MULTIPLIED = {"dot_general": _of_product, "conv_general_dilated": _of_convolution}
"""How many products each number of a result is the sum of, by the operation's name."""
