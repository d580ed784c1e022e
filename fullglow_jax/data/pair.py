"""Image pairs, and what a source of them must offer."""

from collections.abc import Sequence
from typing import NotRequired, Protocol, TypedDict

import numpy as np

from fullglow_jax.data.faults import Fault


class Pair(TypedDict):
    """One example: two images of the same size, a label map and its photo for instance.

    Attributes:
        condition: uint8 (H, W, 3), what the target is modelled given.
        target: uint8 (H, W, 3), what is modelled.
        boundary: uint8 (H, W, 3), 255 where two objects meet; only where it was asked for.
        name: What the data set calls the example.
    """

    condition: np.ndarray
    target: np.ndarray
    boundary: NotRequired[np.ndarray]
    name: str


class PairSource(Protocol):
    """Pairs by index, readable from several threads (a `grain.RandomAccessDataSource`)."""

    @property
    def faults(self) -> Sequence[Fault]:
        """What is wrong with examples that were left out."""

    @property
    def where(self) -> str:
        """What pairs are read from, in a few words."""

    def __len__(self) -> int:
        """Number of pairs."""

    def __getitem__(self, index: int) -> Pair:
        """The pair at `index`, the same at each call."""
