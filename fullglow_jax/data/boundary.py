"""Boundary maps of objects, at every level's size."""

import numpy as np
from PIL import Image

from fullglow_jax.models.annotations import Annotations


def boundary_map(instance_ids: np.ndarray) -> np.ndarray:
    """Marks the pixels whose id differs from the id of a pixel above, below, left or right.

    Args:
        instance_ids: integers (H, W).

    Returns:
        uint8 (H, W, 3): 255 on a boundary, else 0; the three channels are equal.
    """
    edge = np.zeros(instance_ids.shape, dtype=bool)
    across = instance_ids[:, 1:] != instance_ids[:, :-1]
    down = instance_ids[1:] != instance_ids[:-1]
    # Both pixels of a differing pair are on the boundary.
    edge[:, 1:] |= across
    edge[:, :-1] |= across
    edge[1:] |= down
    edge[:-1] |= down
    return np.repeat(np.where(edge, np.uint8(255), np.uint8(0))[..., None], 3, axis=-1)


def boundary_pyramid(boundary: np.ndarray, asked: Annotations) -> tuple[np.ndarray, ...]:
    """Resizes a boundary map to each level, always from the full-size one, 8 bits to 8 bits.

    Args:
        boundary: uint8 (H, W, 3).
        asked: The sizes, and whether every value above 0 becomes 255 ("ceil").

    Returns:
        One uint8 (h, w, 3) for each size; none if no boundary maps are asked for.
    """
    image = Image.fromarray(boundary)
    # Pillow's default filter (antialiased bicubic), as in the original.
    sizes = asked.boundary_sizes
    levels = tuple(np.array(image.resize((width, height))) for height, width in sizes)
    if asked.boundary != "ceil":
        return levels
    return tuple(np.where(level > 0, np.uint8(255), np.uint8(0)) for level in levels)
