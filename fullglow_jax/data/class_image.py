"""Classes as images, so that images can be conditioned on them."""

import numpy as np


def class_image(label: int, classes: int, size: tuple[int, int]) -> np.ndarray:
    """One grey value: black for the first class, white for the last, even steps between.

    The ten digits are 0, 28, 57, 85, 113, 142, 170, 198, 227 and 255. An image has three channels,
    so the original's ten one-hot planes do not fit; networks that see the value at every pixel can
    tell the classes apart just as well.

    Args:
        label: 0 to `classes` - 1.
        classes: 1 to 256, the number of different values of eight bits.
        size: (H, W).

    Returns:
        uint8 (H, W, 3).
    """
    return np.full((*size, 3), round(255 * label / max(classes - 1, 1)), np.uint8)
