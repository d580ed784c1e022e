"""Image pairs, and the interface of their sources."""

from collections.abc import Sequence
from typing import NotRequired, Protocol, TypedDict

import numpy as np

from fullglow_jax.data.faults import Fault


class Pair(TypedDict):
    """One example: two images of the same size, for example a label map and its photo.

    Attributes:
        condition: uint8 (H, W, 3), the image that the model is given.
        target: uint8 (H, W, 3), the image that is modelled.
        name: The example's name in the data set.
        boundary: uint8 (H, W, 3), 255 where two objects meet; only if it was asked for.
        instances: Ids of objects, (H, W) integers; only if they were asked for.
        label: The example's class, counted from 0; only if the data set has classes.
    """

    condition: np.ndarray
    target: np.ndarray
    name: str
    boundary: NotRequired[np.ndarray]
    instances: NotRequired[np.ndarray]
    label: NotRequired[int]


class PairSource(Protocol):
    """Pairs by index, readable from several threads (a `grain.RandomAccessDataSource`)."""

    @property
    def faults(self) -> Sequence[Fault]:
        """Faults of examples that were left out."""

    @property
    def where(self) -> str:
        """The origin of the pairs, in a few words."""

    def __len__(self) -> int:
        """Number of pairs."""

    def name(self, index: int) -> str:
        """The name of the pair at `index` in the data set; its images are not read."""

    def __getitem__(self, index: int) -> Pair:
        """The pair at `index`, the same at each call."""
