"""Pictures of pictures."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from fullglow_jax.sampling.conditions import Conditions

GAP = 4
HEADER = 16
SMALLEST_WIDTH = 160


def as_uint8(images: np.ndarray) -> np.ndarray:
    """Float [0, 1], clipped, to uint8 0…255, rounded to the nearest; uint8 passes unchanged.

    What is not a number becomes 0: barely trained flows can overflow where they are decoded.
    """
    images = np.asarray(images)
    if images.dtype == np.uint8:
        return images
    return (np.nan_to_num(images, nan=0.0).clip(0, 1) * 255 + 0.5).astype(np.uint8)


def image_grid(rows: Sequence[Sequence[np.ndarray | None]], header: Sequence[str]) -> np.ndarray:
    """Images in rows under column titles, small ones enlarged so that they can be seen.

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
    shape = (
        HEADER + len(rows) * (height + GAP) + GAP,
        len(rows[0]) * (width + GAP) + GAP,
        3,
    )
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


def samples_grid(
    conditions: Conditions, samples: list[list[np.ndarray]], temperatures: tuple[float, ...]
) -> np.ndarray:
    """A row for each condition: itself, the image it belongs to where known, its samples.

    Where conditions do not matter, samples alone.

    Args:
        conditions: The conditions.
        samples: For each of them its samples, temperature by temperature.
        temperatures: Of the samples, for the titles.

    Returns:
        uint8 (height, width, 3).
    """
    header = ["condition"] if conditions.matter else []
    header += ["ground truth"] if conditions.have_targets else []
    each = len(samples[0]) // len(temperatures)
    header += [f"T = {temperature:g}" for temperature in temperatures for _ in range(each)]
    rows: list[list[np.ndarray | None]] = []
    for place, drawn in enumerate(samples):
        row: list[np.ndarray | None] = []
        row += [conditions.batch.condition[place]] if conditions.matter else []
        row += [conditions.batch.target[place]] if conditions.have_targets else []
        rows.append([*row, *drawn])
    return image_grid(rows, header)
