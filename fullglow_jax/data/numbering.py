"""Numbers of labels in label maps, and the colours in which they are painted."""

from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from fullglow_jax.data.images import Picture, read_ids
from fullglow_jax.errors import UserError
from fullglow_jax.palette import (
    COLOURS,
    EVALUATED,
    EVALUATED_COLOURS,
    IGNORED,
    LABELS,
    numbered_colours,
)

LABEL_COLOURS: Final = ("own", "numbers")
"""Ways of painting label ids: in the data set's own colours, or in `palette.numbered_colours`."""

NUMBERS: Final = numbered_colours()


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


def painted_numbers(path: Path | str, *, first_channel: bool = False) -> Picture:
    """A file of label ids, 0 to 255, as a label map in `palette.numbered_colours`.

    Args:
        path: The image file, grey, with a palette, or painted in these colours.
        first_channel: As in `images.read_ids`.

    Raises:
        UserError: As `images.read_ids`, or if an id is too large.
    """
    ids = read_ids(path, NUMBERS, first_channel=first_channel)
    if ids.max() >= len(NUMBERS):
        raise UserError(
            f"{path} has the label id {ids.max()}, where label ids go up to {len(NUMBERS) - 1}. "
            "Is it a map of instances?"
        )
    return Picture(NUMBERS[ids], labels=True)


def colour_list(colours: np.ndarray) -> tuple[tuple[int, int, int], ...]:
    """Colours, (n, 3), as tuples: each once, in their order."""
    return tuple(dict.fromkeys((int(r), int(g), int(b)) for r, g, b in colours))
