"""Grids of images as one picture."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

GAP = 4
HEADER = 16
SMALLEST_WIDTH = 160

ROUNDING = 1e-3
"""Added to 256·x, so that a level with a rounding error does not become the one below."""


def as_uint8(images: np.ndarray, bits: int = 8) -> np.ndarray:
    """Float [0, 1], clipped, to uint8 0…255; uint8 passes unchanged.

    At 8 bits, p / 255 becomes p, rounded to the nearest. At n < 8, the value k / 2ⁿ stands for
    pixels from k·2^(8−n) on, and ⌊256·x⌋ is the first of them. NaN becomes 0: barely trained flows
    can overflow in decoding.

    Args:
        images: Images of any shape.
        bits: n of the model that they come from.
    """
    images = np.asarray(images)
    if images.dtype == np.uint8:
        return images
    clipped = np.nan_to_num(images, nan=0.0).clip(0, 1)
    if bits >= 8:
        return (clipped * 255 + 0.5).astype(np.uint8)
    return (clipped * 256 + ROUNDING).clip(0, 255).astype(np.uint8)


def image_grid(rows: Sequence[Sequence[np.ndarray | None]], header: Sequence[str]) -> np.ndarray:
    """Images in rows under column titles; small ones are enlarged.

    Args:
        rows: Images of one size, (H, W, 3), uint8 or float in [0, 1], or None for an empty place;
            all rows equally long.
        header: A title for each column.

    Returns:
        uint8 (height, width, 3), white between the images.
    """
    size = next(image.shape[:2] for row in rows for image in row if image is not None)
    zoom = max(1, SMALLEST_WIDTH // size[1])
    height, width = zoom * size[0], zoom * size[1]
    shape = HEADER + len(rows) * (height + GAP) + GAP, len(rows[0]) * (width + GAP) + GAP, 3
    canvas = np.full(shape, 255, np.uint8)
    for i, row in enumerate(rows):
        for j, image in enumerate(row):
            if image is None:
                continue
            top, left = HEADER + GAP + i * (height + GAP), GAP + j * (width + GAP)
            enlarged = as_uint8(image).repeat(zoom, axis=0).repeat(zoom, axis=1)
            canvas[top : top + height, left : left + width] = enlarged
    picture = Image.fromarray(canvas)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(11)
    for j, title in enumerate(header):
        draw.text((GAP + j * (width + GAP) + 1, 3), title, fill="black", font=font)
    return np.asarray(picture)
