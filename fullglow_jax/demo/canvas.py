"""The canvas: an enlarged condition to paint on."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fullglow_jax.data.boundary import boundary_map
from fullglow_jax.errors import UserError
from fullglow_jax.sampling.instance_maps import instances_with_strokes
from fullglow_jax.sampling.palettes import Palette

SMALLEST_WIDTH = 640
"""Smallest width of the canvas in pixels, so that there is room for a brush."""

OPAQUE = 128
"""Strokes have soft edges: a pixel counts as painted from this alpha on."""


class Painted(NamedTuple):
    """A condition, painted or not.

    Attributes:
        condition: uint8 (H, W, 3).
        boundary: uint8 (H, W, 3), or None.
        label: The class beside it, or None.
        instances: int32 (H, W), the ids of its instances, or None.
    """

    condition: np.ndarray
    boundary: np.ndarray | None
    label: str | None = None
    instances: np.ndarray | None = None


class Canvas:
    """A canvas with a square of `zoom` × `zoom` pixels for each pixel of the condition.

    Args:
        image_size: (H, W) of the condition.
        palette: The colours to paint with.
        mixes: Whether colours mix where a stroke ends inside a pixel, as in resized data; not where
            colours are classes.

    Attributes:
        zoom: The side of a square.
        size: (H, W) of the canvas.
    """

    def __init__(
        self, image_size: tuple[int, int], palette: Palette, *, mixes: bool = True
    ) -> None:
        self.zoom = -(-SMALLEST_WIDTH // image_size[1])
        self._palette, self._mixes = palette, mixes
        self.size = (image_size[0] * self.zoom, image_size[1] * self.zoom)

    def enlarged(self, image: np.ndarray) -> np.ndarray:
        """An image as a canvas, uint8 (H, W, 3) → (zoom·H, zoom·W, 3)."""
        return image.repeat(self.zoom, axis=0).repeat(self.zoom, axis=1)

    def read(
        self,
        background: np.ndarray,
        strokes: Sequence[np.ndarray],
        boundary: np.ndarray | None = None,
        instances: np.ndarray | None = None,
    ) -> Painted:
        """The condition on a canvas, at the model's size.

        Strokes get the nearest colour of the palette. If one ends inside a pixel, colours mix, or
        the pixel has the colour at its centre; pixels without strokes do not change. A stroke is
        one object: its inside is erased from boundary maps, and its outline is added; it is a new
        instance (`instances_with_strokes`).

        Args:
            background: uint8 (h, w, 3 or 4), from `enlarged`.
            strokes: uint8 (h, w, 4) each; later ones are above earlier ones.
            boundary: uint8 (H, W, 3), of the unpainted condition, for models that read it.
            instances: int32 (H, W), of the unpainted condition, for models that read them.

        Raises:
            UserError: If a picture does not have the canvas's size.
        """
        for picture in (background, *strokes):
            if picture.shape[:2] != self.size:
                (height, width), (h, w) = self.size, picture.shape[:2]
                raise UserError(
                    f"The label map is {h}×{w} where the canvas is {height}×{width} (height×width)."
                    " Choose or upload one again; uploads of other sizes are fitted."
                )
        canvas = background[..., :3].copy()
        objects = np.zeros(self.size, np.int32)
        for stroke in strokes:
            painted = stroke[..., 3] >= OPAQUE
            nearest = self._palette.nearest(stroke[painted][:, :3])
            canvas[painted] = self._palette.colours[nearest]
            objects[painted] = nearest + 1
        # A pixel belongs to the stroke over its centre.
        pixel_objects = self._centres(objects[..., None])[..., 0]
        condition = (
            np.rint(self._squares(canvas).mean((1, 3))).astype(np.uint8)
            if self._mixes
            else self._centres(canvas)
        )
        if boundary is not None:
            cleared = np.where(pixel_objects[..., None] > 0, np.uint8(0), boundary)
            boundary = np.maximum(cleared, boundary_map(pixel_objects))
        if instances is not None:
            unpainted = self._centres(background[..., :3])
            instances = instances_with_strokes(
                instances, self._palette.nearest(unpainted), pixel_objects - 1, self._palette
            )
        return Painted(condition, boundary, instances=instances)

    def _centres(self, canvas: np.ndarray) -> np.ndarray:
        """The pixel at the centre of each square, (H, W, C)."""
        return self._squares(canvas)[:, self.zoom // 2, :, self.zoom // 2]

    def _squares(self, canvas: np.ndarray) -> np.ndarray:
        """(H, zoom, W, zoom, C)."""
        height, width = (n // self.zoom for n in self.size)
        return canvas.reshape(height, self.zoom, width, self.zoom, -1)
