"""A backward pass that inverts the steps instead of storing their inputs.

Normalising flows are invertible, so the backward pass needs only the end of the forward pass: it
computes each operation's input by inverting its output, and from that the gradients (Gomez et al.
2017, The Reversible Residual Network). Temporary memory does not grow with depth. Inverses are
rounded, so gradients differ from stored ones by as much as the model's reconstructions differ from
the images.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax.core import FrozenDict
from jax import Array

from fullglow_jax.bijections import Bijection
from fullglow_jax.flows.step import Maps, State, Step

Variables = Any
Tree = Any


def encode_storing_nothing(step: Step, variables: Variables, state: State, maps: Maps) -> State:
    """A level's steps one after the other, as a scan of `Step.encode`.

    Args:
        step: The step as an unbound module.
        variables: Its collections, stacked over the steps.
        state: The input of the first step.
        maps: Maps that conditioners read beside the images; they get no gradient.
    """
    constants = variables.get("constants", FrozenDict())
    return _encode(step, variables["params"], constants, state, maps)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _encode(step: Step, params: Tree, constants: Tree, state: State, maps: Maps) -> State:
    def body(state: State, variables: Variables) -> tuple[State, None]:
        return step.apply(variables, state, maps, method=Step.encode)  # type: ignore[return-value]

    return jax.lax.scan(body, state, {"params": params, "constants": constants})[0]


def _forward(
    step: Step, params: Tree, constants: Tree, state: State, maps: Maps
) -> tuple[State, Tree]:
    state = _encode(step, params, constants, state, maps)
    return state, (params, constants, state, maps)


def _backward(step: Step, residuals: Tree, cotangent: State) -> Tree:
    params, constants, state, maps = residuals
    variables = {"params": params, "constants": constants}
    count = len(jax.tree.leaves(params)[0])

    def body(carry: tuple[State, State], index: Array) -> tuple[tuple[State, State], Tree]:
        state, cotangent, params_gradient = step_back(step, variables, index, *carry, maps)
        return (state, cotangent), params_gradient

    (_, cotangent), params_gradient = jax.lax.scan(
        body, (state, cotangent), jnp.arange(count), reverse=True
    )
    return params_gradient, jax.tree.map(jnp.zeros_like, constants), cotangent, None


_encode.defvjp(_forward, _backward)


def step_back(
    step: Step, variables: Variables, index: Array, state: State, cotangent: State, maps: Maps
) -> tuple[State, State, Tree]:
    """One step backward, from its output to its input.

    Operations go in reverse order: those that read an operation's output add to that output's
    cotangent first.

    Args:
        step: The step as an unbound module.
        variables: Its collections, stacked over the steps.
        index: Index of the step.
        state: State after the step.
        cotangent: Cotangent of that state.
        maps: Maps that conditioners read beside the images.

    Returns:
        (state before the step, its cotangent, the parameters' gradients).
    """
    images, cotangents = dict(state.images), dict(cotangent.images)
    gradients: Tree = {}
    for operation in reversed(step.operations):
        image, path = operation.image, step.path(operation.image)
        # One operation after the other; else the weights and buffers of all are in memory at once.
        index = _after(cotangents[image], index)
        images[image], cotangents[image], condition_cotangent, gradient = _operation_back(
            operation.bijection,
            _one_step(variables, (*path, operation.name), index),
            operation.condition(images, maps),
            images[image],
            (cotangents[image], cotangent.log_dets[image]),
        )
        home = gradients
        for name in path:
            home = home.setdefault(name, {})
        if gradient:
            home[operation.name] = gradient
        start = 0
        for name in operation.reads:
            end = start + (images[name] if name in images else maps[name]).shape[-1]
            if name in cotangents:
                cotangents[name] = cotangents[name] + condition_cotangent[..., start:end]
            start = end
    # The log-determinants are sums, which the backward pass does not read.
    return State(images, state.log_dets), State(cotangents, cotangent.log_dets), gradients


def _operation_back(
    bijection: Bijection,
    variables: Variables,
    condition: Array | None,
    y: Array,
    cotangent: tuple[Array, Array],
) -> tuple[Array, Array, Any, Tree]:
    """From y and (y, log_det)'s cotangents: x, its cotangent, the condition's, and gradients."""

    def call(params: Tree, *args: Any, method: str) -> Any:
        return bijection.apply({**variables, "params": params}, *args, method=method)

    params = variables.get("params", {})  # a permutation has none
    theta, pull_theta = jax.vjp(partial(call, method="parameters"), params, condition)
    x = call(params, y, theta, method="invert")
    _, pull = jax.vjp(partial(call, method="transform"), params, x, theta)
    transform_gradient, x_cotangent, theta_cotangent = pull(cotangent)
    theta_gradient, condition_cotangent = pull_theta(theta_cotangent)
    gradient = jax.tree.map(jnp.add, transform_gradient, theta_gradient)
    return x, x_cotangent, condition_cotangent, gradient


def _one_step(variables: Variables, path: tuple[str, ...], index: Array) -> Variables:
    """The variables under a path, at one of the stacked steps."""
    at_step = partial(jax.lax.dynamic_index_in_dim, index=index, keepdims=False)
    found = {name: _under(tree, path) for name, tree in variables.items()}
    return {name: jax.tree.map(at_step, tree) for name, tree in found.items() if tree is not None}


def _under(tree: Tree, path: tuple[str, ...]) -> Tree | None:
    for name in path:
        if name not in tree:
            return None
        tree = tree[name]
    return tree


def _after(dependency: Array, index: Array) -> Array:
    """The index, which the compiler cannot compute before the dependency.

    `optimization_barrier` is meant for this, but on CPUs XLA drops it before scheduling.
    """
    nothing = jnp.isnan(dependency[0, 0, 0, 0]).astype(index.dtype) >> 1
    return index + nothing
