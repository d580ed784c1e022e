"""Pictures in which a part is marked."""

import numpy as np

from fullglow_jax.pictures.grid import as_uint8

LINE = (255, 255, 0)
"""The colour of outlines."""

FADED = 0.35
"""The share that is left of pixels outside; the rest is grey."""


def marked(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """An image, faded but for a part, with an outline around that.

    Args:
        image: uint8 or float in [0, 1], (H, W, 3).
        mask: Whether each pixel belongs to the part, bool (H, W).

    Returns:
        uint8 (H, W, 3).
    """
    shown = as_uint8(image)
    faded = (FADED * shown + (1 - FADED) * 128).astype(np.uint8)
    around = np.pad(mask, 1)
    near = around[:-2, 1:-1] | around[2:, 1:-1] | around[1:-1, :-2] | around[1:-1, 2:]
    picture = np.where(mask[..., None], shown, faded)
    picture[near & ~mask] = LINE
    return picture
