"""Normalisation of pixels for segmentation networks."""

import numpy as np

MEAN = 255 * np.array([0.485, 0.456, 0.406], np.float32)
"""Mean of ImageNet's red, green and blue, where black is 0 and white is 255."""

DEVIATION = 255 * np.array([0.229, 0.224, 0.225], np.float32)


def normalise(images: np.ndarray) -> np.ndarray:
    """Float32 pixels of about mean 0 and deviation 1.

    Args:
        images: (…, 3) in red, green, blue, from 0 to 255, of any type.
    """
    return (np.asarray(images, np.float32) - MEAN) / DEVIATION
