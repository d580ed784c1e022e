"""A backward pass that inverts the steps instead of having stored what went in.

Normalising flows are invertible, so that nothing of the forward pass but its end is needed: going
back, each operation's input is its inverse of its output, and with it come the gradients (Gomez et
al. 2017, The Reversible Residual Network). Temporary memory does not grow with depth. What is
inverted is rounded, so gradients differ from stored ones by as much as the model's reconstructions
differ from the images.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax.core import FrozenDict
from jax import Array

from fullglow_jax.bijections import Bijection
from fullglow_jax.models.flow_step import step_bijections, with_boundary
from fullglow_jax.models.joint_step import JointState, JointStep

Variables = Any
Tree = Any


def encode_storing_nothing(
    step: JointStep, variables: Variables, state: JointState, boundary: Array | None
) -> JointState:
    """A level's joint steps one after the other, as a scan of `step.encode`.

    Args:
        step: Unbound.
        variables: Its collections, stacked over the steps.
        state: What goes in.
        boundary: The level's boundary map, if the model reads one; gets no gradient.
    """
    constants = variables.get("constants", FrozenDict())
    return _encode(step, variables["params"], constants, state, boundary)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _encode(
    step: JointStep, params: Tree, constants: Tree, state: JointState, boundary: Array | None
) -> JointState:
    def body(state: JointState, variables: Variables) -> tuple[JointState, None]:
        return step.apply(variables, state, boundary, method="encode")  # type: ignore[return-value]

    return jax.lax.scan(body, state, {"params": params, "constants": constants})[0]


def _forward(
    step: JointStep, params: Tree, constants: Tree, state: JointState, boundary: Array | None
) -> tuple[JointState, Tree]:
    state = _encode(step, params, constants, state, boundary)
    return state, (params, constants, state, boundary)


def _backward(step: JointStep, residuals: Tree, cotangent: JointState) -> Tree:
    params, constants, state, boundary = residuals
    variables = {"params": params, "constants": constants}
    count = len(jax.tree.leaves(params)[0])

    def body(carry: Tree, index: Array) -> tuple[Tree, Tree]:
        state, cotangent = carry
        state, cotangent, of_params = _step_back(step, variables, index, state, cotangent, boundary)
        return (state, cotangent), of_params

    (_, cotangent), of_params = jax.lax.scan(
        body, (state, cotangent), jnp.arange(count), reverse=True
    )
    return of_params, jax.tree.map(jnp.zeros_like, constants), cotangent, None


_encode.defvjp(_forward, _backward)


def _step_back(
    step: JointStep,
    variables: Variables,
    index: Array,
    state: JointState,
    cotangent: JointState,
    boundary: Array | None,
) -> tuple[JointState, JointState, Tree]:
    """(state before the step, its cotangent, the parameters' gradients), from those after it.

    The target's operation goes first: it reads the source's output of the same operation, and
    what it has to say of that must be known before the source's operation can go back.
    """
    of_source = step_bijections(step.architecture, step.channels, conditional=False)
    of_target = step_bijections(step.architecture, step.channels, conditional=True)
    source, target, source_log_det, target_log_det = state
    g_source, g_target, g_source_log_det, g_target_log_det = cotangent
    gradients: dict[str, dict[str, Tree]] = {"source": {}, "target": {}}
    for name in ("coupling", "convolution", "actnorm"):
        # One operation after the other, or the weights and buffers of all are alive together.
        index = _after(g_source, index)
        target, g_target, g_condition, gradients["target"][name] = _operation_back(
            getattr(of_target, name),
            _of(variables, "target", name, index),
            with_boundary(source, boundary),
            target,
            (g_target, g_target_log_det),
        )
        g_source = g_source + g_condition[..., : source.shape[-1]]
        source, g_source, _, gradients["source"][name] = _operation_back(
            getattr(of_source, name),
            _of(variables, "source", name, index),
            None,
            source,
            (g_source, g_source_log_det),
        )
    # The log-determinants so far are sums, which nothing reads on the way back.
    return (
        JointState(source, target, source_log_det, target_log_det),
        JointState(g_source, g_target, g_source_log_det, g_target_log_det),
        gradients,
    )


def _of(variables: Variables, side: str, name: str, index: Array) -> Variables:
    """One operation's collections, at one step."""
    return {
        collection: jax.tree.map(partial(_at, index=index), tree[side][name])
        for collection, tree in variables.items()
        if name in tree.get(side, {})
    }


def _operation_back(
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


def _at(stacked: Array, index: Array) -> Array:
    return jax.lax.dynamic_index_in_dim(stacked, index, keepdims=False)


def _after(dependency: Array, index: Array) -> Array:
    """The index, known to the compiler only once the dependency is.

    It is what an `optimization_barrier` is for, but XLA drops those on CPUs before it schedules.
    """
    nothing = jnp.isnan(dependency[0, 0, 0, 0]).astype(index.dtype) >> 1
    return index + nothing
