"""Palettes: the names of classes by the colours that they have in label maps."""

from dataclasses import dataclass

import numpy as np
from ml_collections import ConfigDict

from fullglow_jax.palette import COUNTABLE, ID, LABELS, nearest_colour, numbered_colours


@dataclass(frozen=True)
class Palette:
    """Named colours.

    Attributes:
        names: The colours' names, all different.
        colours: uint8 (N, 3).
        ids: The class's id of each colour; () for their numbers, counted from 0.
        countable: Names of classes whose instances are told apart.
    """

    names: tuple[str, ...]
    colours: np.ndarray
    ids: tuple[int, ...] = ()
    countable: frozenset[str] = frozenset()

    def nearest(self, pixels: np.ndarray) -> np.ndarray:
        """The index of the nearest colour for each pixel, uint8 (…, 3) → (…)."""
        return nearest_colour(pixels, self.colours)

    def hexadecimal(self, name: str) -> str:
        """A colour as "#rrggbb"."""
        return hexadecimal(self.colours[self.names.index(name)])

    def id_of(self, index: int) -> int:
        """The class's id of a colour."""
        return self.ids[index] if self.ids else index


def cityscapes_palette() -> Palette:
    """Cityscapes' classes, evaluated ones first; of classes with one colour, only the first."""
    named: dict[tuple[int, int, int], str] = {}
    for label in sorted(LABELS, key=lambda label: (label.train_id, label.id)):
        named.setdefault(label.colour, label.name)
    names = tuple(named.values())
    return Palette(
        names,
        np.array(list(named), np.uint8),
        tuple(ID[name] for name in names),
        frozenset(name for name in names if ID[name] in COUNTABLE),
    )


def model_palette(config: ConfigDict) -> Palette | None:
    """The palette by which a config's model reads conditions; None if it reads them as images."""
    match config.model.get("palette"):
        case "cityscapes":
            return cityscapes_palette()
        case "numbers":
            colours = numbered_colours()[: config.model.get("classes", 256)]
            return Palette(tuple(f"class {number}" for number in range(len(colours))), colours)
        case _:
            return None


def hexadecimal(colour: np.ndarray) -> str:
    """A colour as "#rrggbb"."""
    return "#" + "".join(f"{value:02x}" for value in colour)
