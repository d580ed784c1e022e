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
    y: Array = jax.vmap(_modulated, (0, 0, 0, None, 0))(x, classes, places, of_classes, rows)
    return y


@jax.custom_vjp
def _modulated(x: Array, classes: Array, places: Array, of_classes: Array, rows: Array) -> Array:
    """`modulated` of one image, (H, W, C)."""
    scale, shift = _factors(classes, places, of_classes, rows)
    return (scale * x + shift).astype(x.dtype)


def _factors(classes: Array, places: Array, of_classes: Array, rows: Array) -> tuple[Array, Array]:
    """Scale and shift of each pixel."""
    of_class, own = of_classes[classes], rows[places]
    scale = of_class[..., 0, :] * own[..., 0, :] + of_class[..., 2, :]
    shift = of_class[..., 1, :] * own[..., 1, :] + of_class[..., 3, :]
    return scale, shift


def _forward(*inputs: Array) -> tuple[Array, tuple[Array, ...]]:
    return _modulated(*inputs), inputs


def _backward(inputs: tuple[Array, ...], g: Array) -> tuple[Array, None, None, Array, Array]:
    # Automatic differentiation would hold images of six gathered rows and of their gradients.
    x, classes, places, of_classes, rows = inputs

    def add(sums: tuple[Array, Array], tile: tuple[Array, ...]) -> tuple[tuple[Array, Array], None]:
        x, g, classes, places = tile
        of_class, own = of_classes[classes], rows[places]
        g, g_x = at_least_float32(g), at_least_float32(g) * x
        by_class = jnp.stack([g_x * own[..., 0, :], g * own[..., 1, :], g_x, g], axis=-2)
        by_place = jnp.stack([g_x * of_class[..., 0, :], g * of_class[..., 1, :]], axis=-2)
        return (sums[0].at[classes].add(by_class), sums[1].at[places].add(by_place)), None

    tiles = tuple(each.reshape(_tiles(x), -1, *each.shape[2:]) for each in (x, g, classes, places))
    zeros = jnp.zeros_like(of_classes), jnp.zeros_like(rows)
    (by_class, by_place), _ = lax.scan(add, zeros, tiles)
    scale, _ = _factors(classes, places, of_classes, rows)
    return (scale * g).astype(x.dtype), None, None, by_class, by_place


def _tiles(x: Array) -> int:
    """Of how many equal parts, some whole rows, one has `TILE` pixels or fewer, if it can."""
    height, width = x.shape[:2]
    rows = max(n for n in range(1, height + 1) if height % n == 0 and (n == 1 or n * width <= TILE))
    return height // rows


_modulated.defvjp(_forward, _backward)
