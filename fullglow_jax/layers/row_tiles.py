"""A wide hidden layer between two convolutions, computed some rows at a time."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.ad_checkpoint import checkpoint_name

from fullglow_jax.layers.convolution import Padding, convolve_square
from fullglow_jax.layers.precision import Compute

Tree = Any
Images = tuple[Array, ...]
Hidden = Callable[..., Array]
"""(weights, *inputs with one more row on both sides) → the hidden layer."""

_COSTLY = "costly"

KEPT = "kept"
"""Name of arrays that cost much to compute and are small: rematerialisation keeps them."""


def costly(x: Array) -> Array:
    """Marks an array of a hidden layer that is stored, where there is room, not computed again."""
    return checkpoint_name(x, _COSTLY)


def kept(x: Array) -> Array:
    """Marks an array that a rematerialised step does not compute again."""
    return checkpoint_name(x, KEPT)


def convolve_hidden(
    hidden: Hidden, weights: Tree, inputs: Images, kernel: Array, compute: Compute
) -> Array:
    """The zero-padded 3×3 convolution of a hidden layer that reads one more row on both sides.

    With tiles of whole rows, the whole hidden layer is never in memory: neither forward, nor
    backward, where each tile is computed again. A forward pass computes each hidden row once:
    the second convolution does not read across a tile's edge; instead its outputs, which have few
    channels, are summed there. So tiles cost arithmetic in the backward pass only.

    `compute.store` saves that cost too: where there is a gradient to compute, it uses no tiles
    and stores the arrays that the hidden layer marks as `costly`.

    Args:
        hidden: Maps weights and images (b, h + 2, W, C) to (B, h, W, width).
        weights: The hidden layer's weights; they and the images get gradients.
        inputs: Images, (b, H, W, C) each; every b divides B, the largest of them.
        kernel: (3, 3, width, C_out).
        compute: The most pixels of a tile, over the batch (but at least one row), and the
            precision of this convolution; the hidden layer decides its own.

    Returns:
        (B, H, W, C_out), in the inputs' type.
    """
    batch = max(len(x) for x in inputs)
    _, height, width, _ = inputs[0].shape
    tile = compute.tile
    rows = height if tile is None else tile_rows(tile, batch, height, width)
    in_one = rows == height
    whole = partial(_whole, hidden, compute.products)
    tiled = whole if in_one else partial(_in_tiles, hidden, compute.products, rows)
    if compute.store:
        return _storing(tiled, whole, (weights, kernel), inputs)
    return tiled((weights, kernel), inputs)


def convolve_in_tiles(x: Array, kernel: Array, compute: Compute) -> Array:
    """3×3 convolution, zeros around, (B, H, W, C_in) → (B, H, W, C_out), some rows at a time."""
    not_storing = replace(compute, store=False)  # there is no hidden layer to store
    return convolve_hidden(lambda _, rows: rows[:, 1:-1], (), (x,), kernel, not_storing)


def tile_rows(pixels: int, batch: int, height: int, width: int) -> int:
    """Rows of a tile: the largest divisor of the height with at most `pixels` in all, or one."""
    fitting = (n for n in range(height, 0, -1) if height % n == 0 and batch * n * width <= pixels)
    return next(fitting, 1)


def _with_rows_around(inputs: Images) -> Images:
    return tuple(jnp.pad(x, ((0, 0), (1, 1), (0, 0), (0, 0))) for x in inputs)


def _whole(hidden: Hidden, precision: lax.Precision | None, weights: Tree, inputs: Images) -> Array:
    return _convolved(hidden, precision, (1, 1), weights, _with_rows_around(inputs))


def _convolved(
    hidden: Hidden, precision: lax.Precision | None, padding: Padding, weights: Tree, rows: Images
) -> Array:
    """The convolution of the hidden layer of images with one more row on both sides."""
    hidden_weights, kernel = weights
    h = hidden(hidden_weights, *rows)
    return convolve_square(h, kernel.astype(h.dtype), padding, precision).astype(rows[0].dtype)


Sums = Callable[[Tree, Images], Array]
Pull = Callable[[Array], tuple[Tree, Images]]


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _storing(tiled: Sums, whole: Sums, weights: Tree, inputs: Images) -> Array:
    """`tiled` without a gradient, `whole` with one: both compute the same."""
    return tiled(weights, inputs)


def _store(tiled: Sums, whole: Sums, weights: Tree, inputs: Images) -> tuple[Array, Pull]:
    policy = jax.checkpoint_policies.save_only_these_names(_COSTLY)
    return jax.vjp(jax.checkpoint(whole, prevent_cse=False, policy=policy), weights, inputs)


def _pull(tiled: Sums, whole: Sums, pull: Pull, g: Array) -> tuple[Tree, Images]:
    return pull(g)


_storing.defvjp(_store, _pull)


def _summand(hidden: Hidden, precision: lax.Precision | None, weights: Tree, tile: Images) -> Array:
    """(B, rows + 2, W, C_out): a tile's part of the sums in its own rows and one on both sides."""
    return _convolved(hidden, precision, (2, 1), weights, tile)


@partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2))
def _in_tiles(
    hidden: Hidden, precision: lax.Precision | None, rows: int, weights: Tree, inputs: Images
) -> Array:
    padded = _with_rows_around(inputs)
    count = inputs[0].shape[1] // rows
    summand = partial(_summand, hidden, precision)
    first_summand = jax.eval_shape(summand, weights, _rows_at(padded, 0, rows))
    batch, _, width, features = first_summand.shape

    def add_tile(i: Array, sums: Array) -> Array:
        return _add_rows(sums, i * rows, summand(weights, _rows_at(padded, i, rows)))

    sums = jnp.zeros((batch, count * rows + 2, width, features), first_summand.dtype)
    return lax.fori_loop(0, count, add_tile, sums)[:, 1:-1]


def _forward(
    hidden: Hidden, precision: lax.Precision | None, rows: int, weights: Tree, inputs: Images
) -> tuple[Array, tuple[Tree, Images]]:
    return _in_tiles(hidden, precision, rows, weights, inputs), (weights, inputs)


def _backward(
    hidden: Hidden,
    precision: lax.Precision | None,
    rows: int,
    residuals: tuple[Tree, Images],
    g: Array,
) -> tuple[Tree, Images]:
    weights, inputs = residuals
    # Sums outside the image are not read, so their gradients are zeros.
    padded, padded_g = _with_rows_around(inputs), _with_rows_around((g,))

    def add_tile(i: Array, gradients: tuple[Tree, Images]) -> tuple[Tree, Images]:
        tile, (g_tile,) = _rows_at(padded, i, rows), _rows_at(padded_g, i, rows)
        _, pull = jax.vjp(partial(_summand, hidden, precision), weights, tile)
        weights_gradient, tile_gradient = pull(g_tile)
        return jax.tree.map(jnp.add, gradients[0], weights_gradient), tuple(
            _add_rows(whole, i * rows, part)
            for whole, part in zip(gradients[1], tile_gradient, strict=True)
        )

    start = jax.tree.map(jnp.zeros_like, (weights, padded))
    count = inputs[0].shape[1] // rows
    weights_gradient, padded_gradient = lax.fori_loop(0, count, add_tile, start)
    return weights_gradient, tuple(x[:, 1:-1] for x in padded_gradient)


_in_tiles.defvjp(_forward, _backward)


def _rows_at(padded: Images, tile: Array | int, rows: int) -> Images:
    """The rows of a tile, with one more on both sides."""
    return tuple(lax.dynamic_slice_in_dim(x, tile * rows, rows + 2, axis=1) for x in padded)


def _add_rows(whole: Array, start: Array, rows: Array) -> Array:
    """Adds rows to those of `whole` that begin at `start`; XLA does it in place."""
    there = lax.dynamic_slice_in_dim(whole, start, rows.shape[1], axis=1)
    return lax.dynamic_update_slice_in_dim(whole, there + rows, start, axis=1)
