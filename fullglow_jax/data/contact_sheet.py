"""Pairs as they are trained on, side by side on one sheet."""

from collections.abc import Sequence

import numpy as np

from fullglow_jax.data.images import resize_bilinear
from fullglow_jax.data.pair import Pair
from fullglow_jax.sampling.grid import image_grid

COLUMNS = 2
HIGHEST = 256
"""Pixels of an image; what is higher is scaled down."""


def contact_sheet(pairs: Sequence[Pair], names: Sequence[str]) -> np.ndarray:
    """Condition | target | boundary of each pair, boundary only where pairs carry it.

    Args:
        pairs: At least one, all of one size.
        names: What to write above each.

    Returns:
        uint8 (height, width, 3), white between the pairs.
    """
    tiles = [image_grid([_images(pair)], [name]) for pair, name in zip(pairs, names, strict=True)]
    columns = min(COLUMNS, len(tiles))
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % columns)
    rows = [tiles[start : start + columns] for start in range(0, len(tiles), columns)]
    return np.concatenate([np.concatenate(row, axis=1) for row in rows])


def _images(pair: Pair) -> list[np.ndarray]:
    images = [pair["condition"], pair["target"]]
    if "boundary" in pair:
        images.append(pair["boundary"])
    height, width = images[0].shape[:2]
    if height <= HIGHEST:
        return images
    return [
        resize_bilinear(im, (HIGHEST, max(1, round(width * HIGHEST / height)))) for im in images
    ]
