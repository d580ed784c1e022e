"""Computation of a batch in equal parts, one in memory at a time."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

PyTree = Any

Step = Callable[[PyTree, PyTree], tuple[PyTree, PyTree]]
"""(carry, examples) → (carry, values by example)."""

Function = Callable[[PyTree, PyTree, PyTree], tuple[PyTree, PyTree]]
"""(parameters, carry, examples) → (values by example, carry)."""


def in_parts(step: Step, carry: PyTree, examples: PyTree, parts: int) -> tuple[PyTree, PyTree]:
    """The carry after all examples and their values, of a step that gets part after part."""
    if parts == 1:
        return step(carry, examples)
    carry, values = lax.scan(step, carry, _split(examples, parts))
    return carry, _joined(values)


def pullback(
    function: Function, params: PyTree, carry: PyTree, examples: PyTree, parts: int
) -> tuple[PyTree, Callable[[PyTree], PyTree], PyTree]:
    """A function's values, its pullback, and the carry after all examples.

    The pullback maps a gradient by the values, (B, …), to one by the parameters. Of a batch in one
    part, the forward pass stays in memory for it; of several parts, each is computed again.
    """
    if parts == 1:
        values, pull, carry = jax.vjp(
            lambda params: function(params, carry, examples), params, has_aux=True
        )
        return values, lambda gradient: pull(gradient)[0], carry
    split = _split(examples, parts)

    def forward(carry: PyTree, part: PyTree) -> tuple[PyTree, PyTree]:
        values, after = function(params, carry, part)
        return after, (values, carry)

    carry, (values, before) = lax.scan(forward, carry, split)

    def pulled(gradient: PyTree) -> PyTree:
        def add(total: PyTree, each: tuple[PyTree, PyTree, PyTree]) -> tuple[PyTree, tuple[()]]:
            carry, part, gradient = each
            _, pull = jax.vjp(lambda params: function(params, carry, part)[0], params)
            return jax.tree.map(jnp.add, total, pull(gradient)[0]), ()

        zeros = jax.tree.map(jnp.zeros_like, params)
        return lax.scan(add, zeros, (before, split, _split(gradient, parts)))[0]

    return _joined(values), pulled, carry


def _split(examples: PyTree, parts: int) -> PyTree:
    """(parts, B / parts, …). Where the batch is split over devices, each part has some of each."""
    return jax.tree.map(lambda x: jnp.moveaxis(x.reshape(-1, parts, *x.shape[1:]), 1, 0), examples)


def _joined(values: PyTree) -> PyTree:
    return jax.tree.map(lambda x: jnp.moveaxis(x, 0, 1).reshape(-1, *x.shape[2:]), values)
