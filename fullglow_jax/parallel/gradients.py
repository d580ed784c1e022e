"""Gradients over batches that are split over devices, and over time."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.sharding import PartitionSpec

from fullglow_jax.models.interface import Batch
from fullglow_jax.models.mean_gradient import MeanGradient, Objective, mean_gradient
from fullglow_jax.parallel.devices import AXES, DATA, FSDP, Devices

PyTree = Any


def sharded_mean_gradient(devices: Devices, parts: int = 1) -> MeanGradient:
    """A `MeanGradient` over a batch split over the devices.

    Each device computes on its own examples alone and sums are taken once, at the end: left to
    itself, the compiler would sum a weight's gradient over devices in every turn of every loop over
    row tiles. Parameters that are split over `fsdp` are gathered before, and their gradients
    summed into the same split.

    Args:
        devices: Where batch and parameters lie.
        parts: How many parts each device takes its examples in, one after the other.
    """

    def gradient_and_values(
        objective: Objective, params: PyTree, constants: PyTree, batch: Batch, keys: Array
    ) -> tuple[PyTree, Array, dict[str, Array]]:
        split, whole = PartitionSpec(AXES), PartitionSpec()
        specs = jax.tree.map(lambda leaf: devices.spec(leaf.shape), params)

        def on_one(
            params: PyTree, constants: PyTree, batch: Batch, keys: Array
        ) -> tuple[PyTree, Array, dict[str, Array]]:
            of_part = partial(mean_gradient, objective, params, constants)
            gradient, losses, values = _in_parts(of_part, batch, keys, parts)
            return jax.tree.map(partial(_summed, devices), gradient), losses, values

        # What devices have in common is told by the specs; checking it would ask the same of every
        # hand-written gradient inside.
        return jax.shard_map(
            on_one,
            mesh=devices.mesh,
            in_specs=(whole, whole, split, split),
            out_specs=(specs, split, split),
            check_vma=False,
        )(params, constants, batch, keys)

    return gradient_and_values


def _summed(devices: Devices, gradient: Array) -> Array:
    """The mean over devices of one array's gradient, split as the array is."""
    gradient = gradient / devices.mesh.size
    axis = devices.split_axis(gradient.shape)
    if axis is None:
        return lax.psum(gradient, AXES)
    of_row = lax.psum_scatter(gradient, FSDP, scatter_dimension=axis, tiled=True)
    return lax.psum(of_row, DATA)


def _in_parts(
    of_part: Any, batch: Batch, keys: Array, parts: int
) -> tuple[PyTree, Array, dict[str, Array]]:
    """The gradient's mean over equal parts of the examples, one part in memory at a time."""
    if parts == 1:
        gradient, losses, values = of_part(batch, keys)
        return gradient, losses, values
    examples = jax.tree.map(lambda x: x.reshape(parts, -1, *x.shape[1:]), (batch, keys))
    of_first = jax.tree.map(lambda x: x[0], examples)
    zeros = jax.tree.map(
        lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(of_part, *of_first)[0]
    )

    def body(total: PyTree, part: tuple[Batch, Array]) -> tuple[PyTree, Any]:
        gradient, *values = of_part(*part)
        return jax.tree.map(lambda t, g: t + g / parts, total, gradient), values

    gradient, values = lax.scan(body, zeros, examples)
    losses, by_name = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), values)
    return gradient, losses, by_name
