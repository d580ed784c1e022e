"""Boundary maps: where one object ends and another begins, at every level's size."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class BoundarySpec:
    """What a model wants of a boundary map.

    Attributes:
        sizes: (h, w) of each level, first level first.
        ceil: Whether any trace of a boundary counts as a whole one.
    """

    sizes: tuple[tuple[int, int], ...]
    ceil: bool = False


def boundary_map(instance_ids: np.ndarray) -> np.ndarray:
    """Marks the pixels whose id differs from that of the pixel above, below, left or right.

    Args:
        instance_ids: integers (H, W).

    Returns:
        uint8 (H, W, 3): 255 on a boundary, else 0; the three channels are equal.
    """
    edge = np.zeros(instance_ids.shape, dtype=bool)
    across = instance_ids[:, 1:] != instance_ids[:, :-1]
    down = instance_ids[1:] != instance_ids[:-1]
    # Both pixels of a differing pair lie on the boundary.
    edge[:, 1:] |= across
    edge[:, :-1] |= across
    edge[1:] |= down
    edge[:-1] |= down
    return np.repeat(np.where(edge, np.uint8(255), np.uint8(0))[..., None], 3, axis=-1)


def boundary_pyramid(
    boundary: np.ndarray, sizes: Sequence[tuple[int, int]], ceil: bool
) -> tuple[np.ndarray, ...]:
    """Resizes a boundary map to each level, always from the full-size one, 8 bits to 8 bits.

    Args:
        boundary: uint8 (H, W, 3).
        sizes: (h, w) of each level.
        ceil: Raise every value above 0 to 255, which divided by 255 is its ceiling.

    Returns:
        One uint8 (h, w, 3) for each size.
    """
    image = Image.fromarray(boundary)
    # The filter is left to Pillow (antialiased bicubic), as the original leaves it.
    levels = tuple(np.array(image.resize((width, height))) for height, width in sizes)
    if not ceil:
        return levels
    return tuple(np.where(level > 0, np.uint8(255), np.uint8(0)) for level in levels)
