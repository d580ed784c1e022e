"""Numberings of labels in Cityscapes' label maps: by ids, or by training ids."""

from typing import Final, NamedTuple

import numpy as np

from fullglow_jax.palette import COLOURS, EVALUATED, EVALUATED_COLOURS, IGNORED, LABELS


class Numbering(NamedTuple):
    """The meaning of numbers in one kind of label maps.

    Attributes:
        called: Name of one number, for example "label id".
        extent: The possible numbers in words.
        known: The possible numbers.
        colours: The colours of the numbers from 0 on, uint8 (n, 3).
    """

    called: str
    extent: str
    known: tuple[int, ...]
    colours: np.ndarray

    def strange(self, numbers: np.ndarray) -> int | None:
        """The largest of `numbers`, int32 of any shape, that is no label's; None if all are."""
        strange = np.setdiff1d(numbers, self.known)
        return int(strange[-1]) if len(strange) else None


_VOID_COLOUR = (0, 0, 0)

NUMBERINGS: Final = {
    "labelIds": Numbering(
        "label id",
        f"go up to {len(LABELS) - 1}",
        tuple(label.id for label in LABELS),
        COLOURS,
    ),
    "labelTrainIds": Numbering(
        "trainId",
        f"go up to {len(EVALUATED) - 1}, and {IGNORED} is void",
        (*(label.train_id for label in EVALUATED), IGNORED),
        np.array([*EVALUATED_COLOURS, *[_VOID_COLOUR] * (256 - len(EVALUATED))], np.uint8),
    ),
}
"""By the end of the names of their files. Labels without a training id are void."""

PALETTES: Final = {"none": None, "cityscapes": "labelIds", "cityscapes_trainIds": "labelTrainIds"}
"""By name, the numbering with which TFDS' images of one channel are painted; None for grey."""
