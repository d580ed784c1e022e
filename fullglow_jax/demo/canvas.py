"""A condition enlarged to paint on, and read back when it has been painted on."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fullglow_jax.data.boundary import boundary_map
from fullglow_jax.demo.palette import Palette
from fullglow_jax.errors import UserError

SMALLEST_WIDTH = 640
"""Pixels that an image is enlarged to, so that there is room for a brush."""

OPAQUE = 128
"""Alpha from which a pixel of a stroke, whose edges are soft, counts as painted."""


class Painted(NamedTuple):
    """What has been made of a condition.

    Attributes:
        condition: uint8 (H, W, 3).
        boundary: uint8 (H, W, 3), or None.
    """

    condition: np.ndarray
    boundary: np.ndarray | None


class Canvas:
    """Pixels of conditions, each a square of `zoom` × `zoom` to paint on.

    Attributes:
        zoom: Pixels of the canvas for one of the model.
    """

    def __init__(self, image_size: tuple[int, int], palette: Palette) -> None:
        self.zoom = -(-SMALLEST_WIDTH // image_size[1])
        self._palette = palette
        self._size = (image_size[0] * self.zoom, image_size[1] * self.zoom)

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the canvas."""
        return self._size

    def enlarged(self, image: np.ndarray) -> np.ndarray:
        """An image as a canvas, uint8 (H, W, 3) → (zoom·H, zoom·W, 3)."""
        return image.repeat(self.zoom, axis=0).repeat(self.zoom, axis=1)

    def read(
        self,
        background: np.ndarray,
        strokes: Sequence[np.ndarray],
        boundary: np.ndarray | None = None,
    ) -> Painted:
        """The condition on a canvas, at the model's size.

        Strokes get the palette's colour that is nearest. Where one ends inside a pixel, colours
        mix, as they do when data is resized; pixels that no stroke touches stay what they were.
        A stroke is one object: boundary maps lose what was inside and get its outline.

        Args:
            background: uint8 (h, w, 3 or 4), as `enlarged` gives it.
            strokes: uint8 (h, w, 4) each, the later above the earlier.
            boundary: uint8 (H, W, 3), of the unpainted condition, for models that read it.

        Raises:
            UserError: A picture is not of the canvas's size.
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
        condition = np.rint(self._squares(canvas).mean((1, 3))).astype(np.uint8)
        if boundary is None:
            return Painted(condition, None)
        # A pixel belongs to the stroke over its centre.
        of_pixel = self._squares(objects[..., None])[:, self.zoom // 2, :, self.zoom // 2, 0]
        cleared = np.where(of_pixel[..., None] > 0, np.uint8(0), boundary)
        return Painted(condition, np.maximum(cleared, boundary_map(of_pixel)))

    def _squares(self, canvas: np.ndarray) -> np.ndarray:
        """(H, zoom, W, zoom, C)."""
        height, width = (n // self.zoom for n in self.size)
        return canvas.reshape(height, self.zoom, width, self.zoom, -1)
