"""Named colours for painting conditions."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from fullglow_jax.sampling.palettes import Palette, cityscapes_palette, hexadecimal

MOST_COLOURS = 16
"""Most colours of a palette without names."""

ENOUGH = 0.2
"""Smallest share of pixels with exactly a palette's colours, to choose that palette."""


def palette_of(conditions: Sequence[np.ndarray]) -> Palette:
    """The palette of conditions, uint8 (H, W, 3) each.

    It is Cityscapes' classes if there are no conditions, or if enough pixels have exactly their
    colours (resizing mixes colours, more so in small images); else a few colours that represent
    theirs, the most frequent first, under names such as "#4169e1".
    """
    cityscapes = cityscapes_palette()
    if not conditions:
        return cityscapes
    pixels = np.concatenate([condition.reshape(-1, 3) for condition in conditions])
    coloured = pixels[pixels.any(-1)]  # black pixels do not tell palettes apart
    exact = (cityscapes.colours[cityscapes.nearest(coloured)] == coloured).all(-1)
    if exact.sum() > ENOUGH * len(coloured):
        return cityscapes
    picture = Image.fromarray(pixels[None]).quantize(MOST_COLOURS, kmeans=1)
    table = np.array(picture.getpalette(), np.uint8).reshape(-1, 3)
    counts = np.bincount(np.asarray(picture).ravel(), minlength=len(table))
    used = table[np.argsort(-counts, kind="stable")][: np.count_nonzero(counts)]
    colours = np.array(list(dict.fromkeys(map(tuple, used))), np.uint8)
    return Palette(tuple(map(hexadecimal, colours)), colours)
