"""The colours that conditions are painted in, and their names."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from fullglow_jax.data.palette import LABELS

MOST_COLOURS = 16
"""Of a palette that nobody has named."""

ENOUGH = 0.2
"""Share of pixels that have a palette's colours exactly."""


@dataclass(frozen=True)
class Palette:
    """Named colours.

    Attributes:
        names: Of each, all different.
        colours: uint8 (N, 3).
    """

    names: tuple[str, ...]
    colours: np.ndarray

    def nearest(self, pixels: np.ndarray) -> np.ndarray:
        """Which colour is nearest to each pixel, uint8 (…, 3) → (…)."""
        distance = pixels[..., None, :].astype(np.int32) - self.colours.astype(np.int32)
        return (distance**2).sum(-1).argmin(-1)

    def hexadecimal(self, name: str) -> str:
        """A colour as "#rrggbb"."""
        return _hexadecimal(self.colours[self.names.index(name)])


def cityscapes_palette() -> Palette:
    """Cityscapes' classes, those that are evaluated first; of classes of one colour the first."""
    in_order = sorted(LABELS, key=lambda label: (label.train_id, label.id))
    by_colour = {label.colour: label.name for label in reversed(in_order)}
    named = [label for label in in_order if by_colour[label.colour] == label.name]
    return Palette(
        tuple(label.name for label in named), np.array([label.colour for label in named], np.uint8)
    )


def palette_of(conditions: Sequence[np.ndarray]) -> Palette:
    """What conditions are painted in, as far as they tell.

    Cityscapes' classes, where enough pixels have exactly their colours (resizing mixes others, the
    more the smaller images are) or where there are no conditions to look at; else the most telling
    colours there are, under names such as "#4169e1".

    Args:
        conditions: uint8 (H, W, 3) each.
    """
    cityscapes = cityscapes_palette()
    if not conditions:
        return cityscapes
    pixels = np.concatenate([condition.reshape(-1, 3) for condition in conditions])
    coloured = pixels[pixels.any(-1)]  # black tells nothing
    exact = (cityscapes.colours[cityscapes.nearest(coloured)] == coloured).all(-1)
    if exact.sum() > ENOUGH * len(coloured):
        return cityscapes
    picture = Image.fromarray(pixels[None]).quantize(MOST_COLOURS, kmeans=1)
    table = np.array(picture.getpalette(), np.uint8).reshape(-1, 3)
    counts = np.bincount(np.asarray(picture).ravel(), minlength=len(table))
    used = table[np.argsort(-counts, kind="stable")][: np.count_nonzero(counts)]
    colours = np.array(list(dict.fromkeys(map(tuple, used))), np.uint8)
    return Palette(tuple(map(_hexadecimal, colours)), colours)


def _hexadecimal(colour: np.ndarray) -> str:
    return "#" + "".join(f"{value:02x}" for value in colour)
