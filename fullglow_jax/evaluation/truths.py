"""What drawn images are held against: the split's own pairs, as large as they are on disk."""

from collections.abc import Iterator
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
    """

    name: str
    condition: np.ndarray
    target: np.ndarray


def truths(source: PairSource, limit: int | None = None) -> Iterator[Truth]:
    """A source's pairs in order, named as `sample.py --mode set` names what it draws for them."""
    names = FileNames()
    for place in range(min(len(source), limit or len(source))):
        if isinstance(source, FilePairs):
            example = source.examples[place]
            native = source.native(example)
            condition, target = native[source.condition].pixels, native[source.target].pixels
            yield Truth(names(example.name), condition, target)
        else:
            pair = source[place]
            yield Truth(names(pair["name"]), pair["condition"], pair["target"])
