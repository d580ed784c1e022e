"""Other sizes of images and of maps of ids."""

import jax.numpy as jnp
from jax import Array, lax


def nearest(ids: Array, size: tuple[int, int]) -> Array:
    """A map, (B, H, W), at another size, (h, w): pixel p is that at ⌊p·H/h⌋."""
    for axis, length in zip((1, 2), size, strict=True):
        source = jnp.arange(length) * ids.shape[axis] // length
        ids = ids if length == ids.shape[axis] else jnp.take(ids, source, axis)
    return ids


def repeated(x: Array) -> Array:
    """(B, H, W, C) → (B, 2H, 2W, C), each pixel four times."""
    batch, height, width, channels = x.shape
    wide = jnp.broadcast_to(
        x[:, :, jnp.newaxis, :, jnp.newaxis], (batch, height, 2, width, 2, channels)
    )
    return wide.reshape(batch, 2 * height, 2 * width, channels)


def interpolated(x: Array) -> Array:
    """(B, H, W, C) → (B, 2H, 2W, C), bilinear between the centres of pixels.

    Each new pixel is ¾ of the one that it lies in and ¼ of the next one, which at the border is the
    same, along both axes.
    """
    for axis in (1, 2):
        length = x.shape[axis]
        around = [(1, 1) if i == axis else (0, 0) for i in range(x.ndim)]
        padded = jnp.pad(x, around, mode="edge")
        before, after = (lax.slice_in_dim(padded, n, n + length, axis=axis) for n in (0, 2))
        halves = jnp.stack([0.25 * before + 0.75 * x, 0.75 * x + 0.25 * after], axis + 1)
        shape = [2 * n if i == axis else n for i, n in enumerate(x.shape)]
        x = halves.reshape(shape)
    return x
