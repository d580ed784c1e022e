"""Instance ids that are renumbered, as INADE's networks were trained on them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from fullglow_jax.errors import UserError


class Renumbering(NamedTuple):
    """A file of instance ids that is to be made of one of ids.

    Attributes:
        read: Reads the ids, int32 (H, W).
        source: The file of ids.
        target: The file of instance ids, a PNG.
    """

    read: Callable[[Path], np.ndarray]
    source: Path
    target: Path


@runtime_checkable
class Renumberable(Protocol):
    """A layout whose instance maps can be made of other files of it."""

    def renumberings(self) -> Iterator[Renumbering]:
        """The files of the split.

        Raises:
            UserError: If there are none, or the config does not say which.
        """


def renumbered(ids: np.ndarray) -> np.ndarray:
    """Ids, integers (H, W), in ascending order as 0, 1, 2 and so on, without gaps.

    Returns:
        (H, W), uint8, or uint16 if there are more than 256 ids.

    Raises:
        UserError: If 16 bits are too few.
    """
    found, places = np.unique(ids, return_inverse=True)
    if len(found) > 2**16:
        raise UserError(f"{len(found):,} different ids, where 16 bits have {2**16:,}")
    kind = np.uint8 if len(found) <= 2**8 else np.uint16
    return places.reshape(ids.shape).astype(kind)
