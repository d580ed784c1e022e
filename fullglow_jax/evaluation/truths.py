"""What drawn images are held against: the split's own pairs, as large as they are on disk."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from fullglow_jax.data.file_pairs import FilePairs
from fullglow_jax.data.pair import PairSource
from fullglow_jax.sampling.file_names import FileNames


class Truth(NamedTuple):
    """A pair of the data set.

    Attributes:
        name: What the files of images drawn for it are called, without an ending.
        condition: uint8 (H, W, 3), of its original size where it comes from a file.
        target: Likewise, the true image.
        other_condition: Another pair's: that of the pair before it, of the last for the first;
            None where there is no other.
    """

    name: str
    condition: np.ndarray
    target: np.ndarray
    other_condition: np.ndarray | None


class Truths:
    """A source's pairs in order, named as `sample.py --mode set` names what it draws for them.

    Args:
        source: Where pairs come from.
        limit: Only the first so many.
    """

    def __init__(self, source: PairSource, limit: int | None = None) -> None:
        self._source = source
        names = FileNames()
        count = min(len(source), limit or len(source))
        self._names = [names(self._name(place)) for place in range(count)]
        # Each pair is asked for twice in a row: for itself, and for the one after it.
        self._pair = lru_cache(maxsize=2)(self._read)

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[Truth]:
        return map(self.__getitem__, range(len(self)))

    def __getitem__(self, place: int) -> Truth:
        other = None if len(self) == 1 else self._pair((place - 1) % len(self))[0]
        return Truth(self._names[place], *self._pair(place), other)

    def _name(self, place: int) -> str:
        if isinstance(self._source, FilePairs):
            return self._source.examples[place].name
        return str(self._source[place]["name"])

    def _read(self, place: int) -> tuple[np.ndarray, np.ndarray]:
        if not isinstance(self._source, FilePairs):
            pair = self._source[place]
            return pair["condition"], pair["target"]
        native = self._source.native(self._source.examples[place])
        return native[self._source.condition].pixels, native[self._source.target].pixels
