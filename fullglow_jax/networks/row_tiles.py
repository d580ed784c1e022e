"""A wide hidden layer between two convolutions, computed some rows at a time."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.ad_checkpoint import checkpoint_name

from fullglow_jax.networks.compute import Compute
from fullglow_jax.networks.convolution import convolve_3x3

Tree = Any
Images = tuple[Array, ...]
Hidden = Callable[..., Array]
"""(weights, *inputs with a row more on both sides) → the hidden layer."""

_COSTLY = "costly"


def costly(x: Array) -> Array:
    """Names what a hidden layer is not to compute again, where there is room to store it."""
    return checkpoint_name(x, _COSTLY)


def convolve_hidden(
    hidden: Hidden, weights: Tree, inputs: Images, kernel: Array, compute: Compute
) -> Array:
    """The 3×3 convolution, zeros around, of a hidden layer that itself sees one row around.

    In tiles of whole rows the hidden layer is never there as a whole: not forward, and not
    backward, where each tile's is computed again. A tile's hidden rows are computed once. What the
    second convolution would read across a tile's edge is summed afterwards instead, in its few
    output channels, so that tiles cost no arithmetic but that of the backward pass.

    To save that too, `compute.store` does without tiles where there is a gradient to compute, and
    stores what the hidden layer names `costly`.

    Args:
        hidden: Maps weights and images (b, h + 2, W, C) to (B, h, W, width).
        weights: What it is differentiated by, beside the images.
        inputs: Images, (b, H, W, C) each; every b divides B, the largest of them.
        kernel: (3, 3, width, C_out).
        compute: With the pixels of a tile, over the batch, at most (if one row is not more than
            that).

    Returns:
        (B, H, W, C_out), in the inputs' type, whichever the hidden layer has.
    """
    batch = max(len(x) for x in inputs)
    _, height, width, _ = inputs[0].shape
    tile = compute.tile
    rows = height if tile is None else tile_rows(tile, batch, height, width)
    in_one = rows == height
    of_all = partial(_whole, hidden) if in_one else partial(_in_tiles, hidden, rows)
    if compute.store:
        return _storing(of_all, partial(_whole, hidden), (weights, kernel), inputs)
    return of_all((weights, kernel), inputs)


def convolve_in_tiles(x: Array, kernel: Array, pixels: int | None) -> Array:
    """3×3 convolution, zeros around, (B, H, W, C_in) → (B, H, W, C_out), some rows at a time."""
    compute = Compute(tile=pixels)
    return convolve_hidden(lambda _, rows: rows[:, 1:-1], (), (x,), kernel, compute)


def tile_rows(pixels: int, batch: int, height: int, width: int) -> int:
    """Rows a tile: the most that divide the height and are `pixels` in all at most, or one."""
    fitting = (n for n in range(height, 0, -1) if height % n == 0 and batch * n * width <= pixels)
    return next(fitting, 1)


def _with_rows_around(inputs: Images) -> Images:
    return tuple(jnp.pad(x, ((0, 0), (1, 1), (0, 0), (0, 0))) for x in inputs)


def _whole(hidden: Hidden, weights: Tree, inputs: Images) -> Array:
    of_hidden, kernel = weights
    h = hidden(of_hidden, *_with_rows_around(inputs))
    return convolve_3x3(h, kernel.astype(h.dtype), (1, 1)).astype(inputs[0].dtype)


Sums = Callable[[Tree, Images], Array]
Pull = Callable[[Array], tuple[Tree, Images]]


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _storing(of_all: Sums, whole: Sums, weights: Tree, inputs: Images) -> Array:
    """`of_all` where nothing is differentiated, else `whole`: they compute the same."""
    return of_all(weights, inputs)


def _store(of_all: Sums, whole: Sums, weights: Tree, inputs: Images) -> tuple[Array, Pull]:
    policy = jax.checkpoint_policies.save_only_these_names(_COSTLY)
    return jax.vjp(jax.checkpoint(whole, prevent_cse=False, policy=policy), weights, inputs)


def _pull(of_all: Sums, whole: Sums, pull: Pull, g: Array) -> tuple[Tree, Images]:
    return pull(g)


_storing.defvjp(_store, _pull)


def _of_tile(hidden: Hidden, weights: Tree, tile: Images) -> Array:
    """(B, rows + 2, W, C_out): what a tile's hidden rows add to its own rows and to one around."""
    of_hidden, kernel = weights
    h = hidden(of_hidden, *tile)
    return convolve_3x3(h, kernel.astype(h.dtype), (2, 1)).astype(tile[0].dtype)


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _in_tiles(hidden: Hidden, rows: int, weights: Tree, inputs: Images) -> Array:
    padded = _with_rows_around(inputs)
    count = inputs[0].shape[1] // rows
    of_first = jax.eval_shape(partial(_of_tile, hidden), weights, _rows_at(padded, 0, rows))
    batch, _, width, features = of_first.shape

    def add_tile(i: Array, sums: Array) -> Array:
        return _add_rows(sums, i * rows, _of_tile(hidden, weights, _rows_at(padded, i, rows)))

    sums = jnp.zeros((batch, count * rows + 2, width, features), of_first.dtype)
    return lax.fori_loop(0, count, add_tile, sums)[:, 1:-1]


def _forward(
    hidden: Hidden, rows: int, weights: Tree, inputs: Images
) -> tuple[Array, tuple[Tree, Images]]:
    return _in_tiles(hidden, rows, weights, inputs), (weights, inputs)


def _backward(
    hidden: Hidden, rows: int, residuals: tuple[Tree, Images], g: Array
) -> tuple[Tree, Images]:
    weights, inputs = residuals
    # Outside the image there is nothing that what a tile adds there would count for: zeros.
    padded, padded_g = _with_rows_around(inputs), _with_rows_around((g,))

    def add_tile(i: Array, gradients: tuple[Tree, Images]) -> tuple[Tree, Images]:
        tile, (g_tile,) = _rows_at(padded, i, rows), _rows_at(padded_g, i, rows)
        _, pull = jax.vjp(partial(_of_tile, hidden), weights, tile)
        of_weights, of_tile = pull(g_tile)
        return jax.tree.map(jnp.add, gradients[0], of_weights), tuple(
            _add_rows(whole, i * rows, part)
            for whole, part in zip(gradients[1], of_tile, strict=True)
        )

    start = jax.tree.map(jnp.zeros_like, (weights, padded))
    count = inputs[0].shape[1] // rows
    of_weights, of_padded = lax.fori_loop(0, count, add_tile, start)
    return of_weights, tuple(x[:, 1:-1] for x in of_padded)


_in_tiles.defvjp(_forward, _backward)


def _rows_at(padded: Images, tile: Array | int, rows: int) -> Images:
    """A tile's rows, with one more on both sides."""
    return tuple(lax.dynamic_slice_in_dim(x, tile * rows, rows + 2, axis=1) for x in padded)


def _add_rows(whole: Array, start: Array, rows: Array) -> Array:
    """Adds rows to those of the whole from `start` on; XLA does it in place."""
    there = lax.dynamic_slice_in_dim(whole, start, rows.shape[1], axis=1)
    return lax.dynamic_update_slice_in_dim(whole, there + rows, start, axis=1)
