"""Gradients over batches that are split over devices and into parts."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.sharding import PartitionSpec

from fullglow_jax.models.batch import Batch
from fullglow_jax.models.mean_gradient import MeanGradient, Objective, mean_gradient
from fullglow_jax.parallel.devices import AXES, DATA, FSDP, Devices

PyTree = Any


def sharded_mean_gradient(devices: Devices, parts: int = 1) -> MeanGradient:
    """A `MeanGradient` over a batch split over the devices.

    Each device computes with its own examples, and gradients are summed once, at the end: left to
    itself, the compiler would sum a weight's gradient over devices in every turn of every loop over
    row tiles. Parameters that are split over `fsdp` are gathered before, and their gradients are
    split again when they are summed.

    Args:
        devices: The devices of batch and parameters.
        parts: Number of parts in which each device computes its examples, one after the other.
    """

    def gradient_and_values(
        objective: Objective, params: PyTree, constants: PyTree, batch: Batch, keys: Array
    ) -> tuple[PyTree, Array, dict[str, Array]]:
        split, whole = PartitionSpec(AXES), PartitionSpec()
        specs = jax.tree.map(lambda leaf: devices.spec(leaf.shape), params)

        def on_one(
            params: PyTree, constants: PyTree, batch: Batch, keys: Array
        ) -> tuple[PyTree, Array, dict[str, Array]]:
            compute = partial(mean_gradient, objective, params, constants)
            gradient, losses, values = _in_parts(compute, batch, keys, parts)
            return jax.tree.map(partial(_summed, devices), gradient), losses, values

        # The specs say what the devices have in common. To check it (check_vma), every hand-written
        # gradient inside would have to say so too.
        return jax.shard_map(
            on_one,
            mesh=devices.mesh,
            in_specs=(whole, whole, split, split),
            out_specs=(specs, split, split),
            check_vma=False,
        )(params, constants, batch, keys)

    return gradient_and_values


def _summed(devices: Devices, gradient: Array) -> Array:
    """The mean over devices of one array's gradient, split like the array."""
    gradient = gradient / devices.mesh.size
    axis = devices.split_axis(gradient.shape)
    if axis is None:
        return lax.psum(gradient, AXES)
    row_gradient = lax.psum_scatter(gradient, FSDP, scatter_dimension=axis, tiled=True)
    return lax.psum(row_gradient, DATA)


def _in_parts(
    compute: Any, batch: Batch, keys: Array, parts: int
) -> tuple[PyTree, Array, dict[str, Array]]:
    """The mean gradient over equal parts of the examples, one part in memory at a time."""
    if parts == 1:
        gradient, losses, values = compute(batch, keys)
        return gradient, losses, values
    examples = jax.tree.map(lambda x: x.reshape(parts, -1, *x.shape[1:]), (batch, keys))
    first_part = jax.tree.map(lambda x: x[0], examples)
    zeros = jax.tree.map(
        lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(compute, *first_part)[0]
    )

    def body(total: PyTree, part: tuple[Batch, Array]) -> tuple[PyTree, Any]:
        gradient, *values = compute(*part)
        return jax.tree.map(lambda t, g: t + g / parts, total, gradient), values

    gradient, values = lax.scan(body, zeros, examples)
    losses, by_name = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), values)
    return gradient, losses, by_name
