"""A backward pass that inverts the steps instead of having stored what went in.

Normalising flows are invertible, so that nothing of the forward pass but its end is needed: going
back, each operation's input is its inverse of its output, and with it come the gradients (Gomez et
al. 2017, The Reversible Residual Network). Temporary memory does not grow with depth. What is
inverted is rounded, so gradients differ from stored ones by as much as the model's reconstructions
differ from the images.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from flax.core import FrozenDict
from jax import Array

from fullglow_jax.bijections import Bijection

Variables = Any
Tree = Any


class Walk(NamedTuple):
    """How a step is gone through, both ways.

    Attributes:
        encode: (step, state, boundary map) → (state after the step, None).
        back: (step, variables stacked over the steps, index of this one, state after it, its
            cotangent, boundary map) → (state before it, its cotangent, the parameters' gradients).
    """

    encode: Callable[..., tuple[Tree, None]]
    back: Callable[..., tuple[Tree, Tree, Tree]]


def encode_storing_nothing(
    step: nn.Module, walk: Walk, variables: Variables, state: Tree, boundary: Array | None
) -> Tree:
    """A level's steps one after the other, as a scan of `walk.encode`.

    Args:
        step: Unbound.
        walk: How it is gone through.
        variables: Its collections, stacked over the steps.
        state: What goes in.
        boundary: The level's boundary map, if the model reads one; gets no gradient.
    """
    constants = variables.get("constants", FrozenDict())
    return _encode(step, walk, variables["params"], constants, state, boundary)


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _encode(
    step: nn.Module, walk: Walk, params: Tree, constants: Tree, state: Tree, boundary: Array | None
) -> Tree:
    def body(state: Tree, variables: Variables) -> tuple[Tree, None]:
        return step.apply(variables, state, boundary, method=walk.encode)  # type: ignore[return-value]

    return jax.lax.scan(body, state, {"params": params, "constants": constants})[0]


def _forward(
    step: nn.Module, walk: Walk, params: Tree, constants: Tree, state: Tree, boundary: Array | None
) -> tuple[Tree, Tree]:
    state = _encode(step, walk, params, constants, state, boundary)
    return state, (params, constants, state, boundary)


def _backward(step: nn.Module, walk: Walk, residuals: Tree, cotangent: Tree) -> Tree:
    params, constants, state, boundary = residuals
    variables = {"params": params, "constants": constants}
    count = len(jax.tree.leaves(params)[0])

    def body(carry: Tree, index: Array) -> tuple[Tree, Tree]:
        state, cotangent = carry
        state, cotangent, of_params = walk.back(step, variables, index, state, cotangent, boundary)
        return (state, cotangent), of_params

    (_, cotangent), of_params = jax.lax.scan(
        body, (state, cotangent), jnp.arange(count), reverse=True
    )
    return of_params, jax.tree.map(jnp.zeros_like, constants), cotangent, None


_encode.defvjp(_forward, _backward)


def of_step(variables: Variables, path: tuple[str, ...], index: Array) -> Variables:
    """The collections of what lies under a path, at one step of many."""
    found = {name: _under(tree, path) for name, tree in variables.items()}
    return {
        name: jax.tree.map(partial(_at, index=index), tree)
        for name, tree in found.items()
        if tree is not None
    }


def operation_back(
    bijection: Bijection,
    variables: Variables,
    condition: Array | None,
    y: Array,
    cotangent: tuple[Array, Array],
) -> tuple[Array, Array, Any, Tree]:
    """(x, its cotangent, the condition's, the parameters' gradients) from y and (y, log_det)'s."""

    def call(params: Tree, *args: Any, method: str) -> Any:
        return bijection.apply({**variables, "params": params}, *args, method=method)

    params = variables["params"]
    theta, pull_theta = jax.vjp(partial(call, method="parameters"), params, condition)
    x = call(params, y, theta, method="invert")
    _, pull = jax.vjp(partial(call, method="transform"), params, x, theta)
    of_params, g_x, g_theta = pull(cotangent)
    of_params_too, g_condition = pull_theta(g_theta)
    return x, g_x, g_condition, jax.tree.map(jnp.add, of_params, of_params_too)


def _under(tree: Tree, path: tuple[str, ...]) -> Tree | None:
    for name in path:
        if name not in tree:
            return None
        tree = tree[name]
    return tree


def _at(stacked: Array, index: Array) -> Array:
    return jax.lax.dynamic_index_in_dim(stacked, index, keepdims=False)


def after(dependency: Array, index: Array) -> Array:
    """The index, known to the compiler only once the dependency is.

    It is what an `optimization_barrier` is for, but XLA drops those on CPUs before it schedules.
    """
    nothing = jnp.isnan(dependency[0, 0, 0, 0]).astype(index.dtype) >> 1
    return index + nothing
