"""Instance-adaptive modulation (INADE, Tan et al. 2021, section 3.2)."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array, lax

from fullglow_jax.layers.layer import Layer, dense
from fullglow_jax.layers.norms import OF_IMAGE, Norm
from fullglow_jax.layers.precision import Compute, at_least_float32
from fullglow_jax.layers.starts import STARTS

TILE = 4096
"""About so many pixels of each image have their gradients in memory at a time."""


class Modulation(nn.Module):
    """A normalised image, scaled and shifted by the class and the style of each pixel's instance.

        y = (W₀[l]·(P·ε₀[i] + q) + B₀[l])·x̂ + W₁[l]·(P·ε₁[i] + q) + B₁[l]

    where l is a pixel's class, i its instance, ε its style, and x̂ has batch norm without scale and
    shift. Rows of W, B and P·ε + q are taken by class and instance: styles of instances that an
    image has not change nothing.

    Attributes:
        classes: Classes, the unknown one included.
        gain: Of "xavier", from which P starts. W starts from U[0, 1), q and B from 0.
        precision: One of `PRECISIONS`.
    """

    classes: int
    gain: float = 0.02
    precision: str = "float32"

    @nn.compact
    def __call__(
        self, x: Array, classes: Array, places: Array, styles: Array, statistics: str = OF_IMAGE
    ) -> Array:
        """(B, H, W, C) → (B, H, W, C), in x's type.

        Args:
            x: The image.
            classes: (B, H, W), int32.
            places: (B, H, W), int32, the place of each pixel's instance among the styles.
            styles: (B, N, 2, n), of each instance for scale and for shift.
            statistics: Those of the batch norm.
        """
        features, size = x.shape[-1], styles.shape[-1]
        shape = (self.classes, features, 2)
        weight = self.param("weight", nn.initializers.uniform(1.0), shape)
        bias = self.param("bias", nn.initializers.zeros, shape)
        start, zeros = STARTS["xavier"](self.gain), nn.initializers.zeros
        project = Layer((size, features), start, zeros, name="project")
        rows = dense(styles, project(), Compute(self.precision).products)
        of_classes = jnp.moveaxis(jnp.concatenate([weight, bias], axis=-1), -1, 1)
        normalised = Norm("batch", affine=False, name="norm")(x, statistics)
        return modulated(normalised, classes, places, of_classes, rows)


def modulated(x: Array, classes: Array, places: Array, of_classes: Array, rows: Array) -> Array:
    """y = (W₀[l]·r₀[i] + B₀[l])·x + W₁[l]·r₁[i] + B₁[l] of each pixel, in x's type.

    Args:
        x: (B, H, W, C).
        classes: l, (B, H, W), int32.
        places: i, (B, H, W), int32.
        of_classes: W₀, W₁, B₀, B₁ of each class: (classes, 4, C).
        rows: r₀, r₁ of each instance of each image: (B, N, 2, C).
    """
    inputs = map(jnp.asarray, (x, classes, places, of_classes, rows))
    y: Array = jax.vmap(_modulated, (0, 0, 0, None, 0))(*inputs)
    return y


@jax.custom_vjp
def _modulated(x: Array, classes: Array, places: Array, of_classes: Array, rows: Array) -> Array:
    """`modulated` of one image, (H, W, C)."""
    scale, shift = _factors(classes, places, of_classes, rows)
    return (scale * x + shift).astype(x.dtype)


def _factors(classes: Array, places: Array, of_classes: Array, rows: Array) -> tuple[Array, Array]:
    """Scale and shift of each pixel."""
    (w_0, w_1, b_0, b_1), (r_0, r_1) = _gathered(of_classes, classes), _gathered(rows, places)
    return w_0 * r_0 + b_0, w_1 * r_1 + b_1


def _gathered(table: Array, ids: Array) -> list[Array]:
    """Each part of a table, (ids, parts, C), by id: (H, W, C) each."""
    # Apart from each other: the compiler would keep a joint array of all parts in memory.
    return [table[:, part][ids] for part in range(table.shape[1])]


def _forward(*inputs: Array) -> tuple[Array, tuple[Array, ...]]:
    return _modulated(*inputs), inputs


def _backward(inputs: tuple[Array, ...], g: Array) -> tuple[Array, None, None, Array, Array]:
    # Automatic differentiation would hold images of six gathered rows and of their gradients.
    x, classes, places, of_classes, rows = inputs
    height = _rows_of_a_tile(x)

    def add(number: int, found: tuple[Array, ...]) -> tuple[Array, ...]:
        by_x, by_class, by_place = found
        images, start = (x, g, classes, places), number * height
        x_, g_, classes_, places_ = (
            lax.dynamic_slice_in_dim(each, start, height) for each in images
        )
        w_0, w_1, b_0, _ = _gathered(of_classes, classes_)
        r_0, r_1 = _gathered(rows, places_)
        g_ = at_least_float32(g_)
        of_class = jnp.stack([g_ * x_ * r_0, g_ * r_1, g_ * x_, g_], axis=-2)
        of_place = jnp.stack([g_ * x_ * w_0, g_ * w_1], axis=-2)
        of_x = (g_ * (w_0 * r_0 + b_0)).astype(x.dtype)
        by_x = lax.dynamic_update_slice_in_dim(by_x, of_x, start, 0)
        return by_x, by_class.at[classes_].add(of_class), by_place.at[places_].add(of_place)

    zeros = tuple(map(jnp.zeros_like, (x, of_classes, rows)))
    by_x, by_class, by_place = lax.fori_loop(0, len(x) // height, add, zeros)
    return by_x, None, None, by_class, by_place


def _rows_of_a_tile(x: Array) -> int:
    """Of an image, rows of one of its equal tiles: of `TILE` pixels or fewer, or one row."""
    height, width = x.shape[:2]
    fits = (n for n in range(height, 0, -1) if height % n == 0 and n * width <= TILE)
    return next(fits, 1)


_modulated.defvjp(_forward, _backward)
