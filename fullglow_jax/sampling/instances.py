"""The instances of a condition: what they are and where, chosen by id, by place or by likeness."""

from collections.abc import Collection, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from fullglow_jax.errors import UserError
from fullglow_jax.sampling.palettes import Palette, cityscapes_palette

MOST_NAMED = 20
"""Instances that a message names."""


class Instance(NamedTuple):
    """An instance.

    Attributes:
        id: Its id.
        kind: The name of its class.
        countable: Whether instances of its class are told apart.
        pixels: The number of its pixels.
    """

    id: int
    kind: str
    countable: bool
    pixels: int

    @property
    def name(self) -> str:
        """Id and class, for example "26001 car"."""
        return f"{self.id} {self.kind}"


class Instances:
    """The instances of one condition.

    Args:
        ids: The ids that the model works with, int (H, W).
        condition: uint8 (H, W, 3).
        palette: The names of the condition's colours; Cityscapes' if None.

    Attributes:
        ids: As given.
    """

    def __init__(self, ids: np.ndarray, condition: np.ndarray, palette: Palette | None) -> None:
        self.ids = ids
        self._palette = palette or cityscapes_palette()
        self._classes = self._palette.nearest(condition)

    @cached_property
    def all(self) -> list[Instance]:
        """All of them, the largest first; each is of the class that most of its pixels have."""
        ids, places, counts = np.unique(self.ids, return_inverse=True, return_counts=True)
        of_class = np.zeros((len(ids), len(self._palette.names)), np.int64)
        np.add.at(of_class, (places.ravel(), self._classes.ravel()), 1)
        kinds = [self._palette.names[index] for index in of_class.argmax(1)]
        found = [
            Instance(int(id_), kind, kind in self._palette.countable, int(pixels))
            for id_, kind, pixels in zip(ids, kinds, counts, strict=True)
        ]
        return sorted(found, key=lambda instance: -instance.pixels)

    def largest(self, count: int, kinds: Collection[str] = ()) -> list[Instance]:
        """The largest ones of countable classes, for example cars; of any, if there are none.

        Args:
            count: The most of them.
            kinds: The names of the classes that they are of, where there are such; () for any.
        """
        pool = [each for each in self.all if each.kind in kinds] or self.all
        return ([each for each in pool if each.countable] or pool)[:count]

    def find(self, id_: int, named: str) -> Instance:
        """The instance of an id.

        Args:
            id_: The id.
            named: What names it, for the message, for example "--instance".

        Raises:
            UserError: If there is none; it names those that are there.
        """
        for instance in self.all:
            if instance.id == id_:
                return instance
        raise UserError(f"{named} {id_}: no instance has this id. There are: {listed(self.all)}.")

    def at(self, row: int, column: int, named: str) -> Instance:
        """The instance of a pixel.

        Raises:
            UserError: If the pixel is outside.
        """
        height, width = self.ids.shape
        if not (0 <= row < height and 0 <= column < width):
            raise UserError(
                f"{named} {row}, {column} is outside of the image: rows are 0 to {height - 1}, "
                f"columns 0 to {width - 1}."
            )
        return self.find(int(self.ids[row, column]), named)

    def mask(self, instance: Instance) -> np.ndarray:
        """Whether each pixel belongs to an instance, bool (H, W)."""
        return self.ids == instance.id

    def like(self, other: Instance, named: str) -> Instance:
        """The instance of the other one's class that is nearest to its size.

        Raises:
            UserError: If there is no instance of that class; it names the classes that are there.
        """
        alike = [instance for instance in self.all if instance.kind == other.kind]
        if not alike:
            kinds = ", ".join(dict.fromkeys(instance.kind for instance in self.all))
            raise UserError(
                f"{named} has no {other.kind}, whose style the instance {other.name} could get. "
                f"There are: {kinds}."
            )
        return min(alike, key=lambda instance: abs(instance.pixels - other.pixels))


def listed(instances: Sequence[Instance]) -> str:
    """Their ids and classes, as a message names them."""
    named = [f"{each.id} ({each.kind})" for each in instances[:MOST_NAMED]]
    more = len(instances) - len(named)
    return ", ".join(named) + (f", and {more} smaller ones" if more else "")
