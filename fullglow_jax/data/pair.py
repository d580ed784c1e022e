"""Image pairs, and what a source of them must offer."""

from typing import NotRequired, Protocol, TypedDict

import numpy as np


class Pair(TypedDict):
    """One example: a label map and its photo, of the same size.

    Attributes:
        condition: uint8 (H, W, 3), the label map's colours.
        target: uint8 (H, W, 3), the photo.
        boundary: uint8 (H, W, 3), 255 where two objects meet; only where it was asked for.
        name: What the data set calls the example.
    """

    condition: np.ndarray
    target: np.ndarray
    boundary: NotRequired[np.ndarray]
    name: str


class PairSource(Protocol):
    """Pairs by index, readable from several threads (a `grain.RandomAccessDataSource`)."""

    def __len__(self) -> int:
        """Number of pairs."""

    def __getitem__(self, index: int) -> Pair:
        """The pair at `index`, the same at each call."""
