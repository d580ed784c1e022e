"""A grid of pairs as training sees them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fullglow_jax.data.images import resize_bilinear
from fullglow_jax.data.pair import Pair
from fullglow_jax.pictures.grid import image_grid

PARTS = ("condition", "target", "boundary")
"""The parts of a pair that are shown, if it has them."""

COLUMNS = 2
HIGHEST = 256
"""Largest height of an image in pixels; higher ones are scaled down."""


def pairs_grid(pairs: Sequence[Pair], names: Sequence[str]) -> np.ndarray:
    """The `PARTS` of each pair side by side.

    Args:
        pairs: At least one pair, all of one size.
        names: The text above each pair.

    Returns:
        uint8 (height, width, 3), white between the pairs.
    """
    tiles = [image_grid([_images(pair)], [name]) for pair, name in zip(pairs, names, strict=True)]
    columns = min(COLUMNS, len(tiles))
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % columns)
    rows = [tiles[start : start + columns] for start in range(0, len(tiles), columns)]
    return np.concatenate([np.concatenate(row, axis=1) for row in rows])


def _images(pair: Pair) -> list[np.ndarray]:
    parts: Any = pair
    images = [parts[part] for part in PARTS if part in pair]
    height, width = images[0].shape[:2]
    if height <= HIGHEST:
        return images
    return [
        resize_bilinear(im, (HIGHEST, max(1, round(width * HIGHEST / height)))) for im in images
    ]
