"""The labels of Cityscapes: names, ids, training ids and colours, as its authors published them."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

IGNORED: Final = 255
"""The training id of labels that are not evaluated."""


@dataclass(frozen=True, slots=True)
class Label:
    """One label.

    Attributes:
        name: the class's name in the data set.
        id: the value in `labelIds` files.
        train_id: 0 to 18 for the evaluated classes, `IGNORED` for the others.
        colour: red, green and blue in `color` files, 0 to 255.
        countable: whether its instances have different ids in `instanceIds` files.
    """

    name: str
    id: int
    train_id: int
    colour: tuple[int, int, int]
    countable: bool = False


LABELS: Final[tuple[Label, ...]] = (
    Label("unlabeled", 0, IGNORED, (0, 0, 0)),
    Label("ego vehicle", 1, IGNORED, (0, 0, 0)),
    Label("rectification border", 2, IGNORED, (0, 0, 0)),
    Label("out of roi", 3, IGNORED, (0, 0, 0)),
    Label("static", 4, IGNORED, (0, 0, 0)),
    Label("dynamic", 5, IGNORED, (111, 74, 0)),
    Label("ground", 6, IGNORED, (81, 0, 81)),
    Label("road", 7, 0, (128, 64, 128)),
    Label("sidewalk", 8, 1, (244, 35, 232)),
    Label("parking", 9, IGNORED, (250, 170, 160)),
    Label("rail track", 10, IGNORED, (230, 150, 140)),
    Label("building", 11, 2, (70, 70, 70)),
    Label("wall", 12, 3, (102, 102, 156)),
    Label("fence", 13, 4, (190, 153, 153)),
    Label("guard rail", 14, IGNORED, (180, 165, 180)),
    Label("bridge", 15, IGNORED, (150, 100, 100)),
    Label("tunnel", 16, IGNORED, (150, 120, 90)),
    Label("pole", 17, 5, (153, 153, 153)),
    Label("polegroup", 18, IGNORED, (153, 153, 153)),
    Label("traffic light", 19, 6, (250, 170, 30)),
    Label("traffic sign", 20, 7, (220, 220, 0)),
    Label("vegetation", 21, 8, (107, 142, 35)),
    Label("terrain", 22, 9, (152, 251, 152)),
    Label("sky", 23, 10, (70, 130, 180)),
    Label("person", 24, 11, (220, 20, 60), countable=True),
    Label("rider", 25, 12, (255, 0, 0), countable=True),
    Label("car", 26, 13, (0, 0, 142), countable=True),
    Label("truck", 27, 14, (0, 0, 70), countable=True),
    Label("bus", 28, 15, (0, 60, 100), countable=True),
    Label("caravan", 29, IGNORED, (0, 0, 90), countable=True),
    Label("trailer", 30, IGNORED, (0, 0, 110), countable=True),
    Label("train", 31, 16, (0, 80, 100), countable=True),
    Label("motorcycle", 32, 17, (0, 0, 230), countable=True),
    Label("bicycle", 33, 18, (119, 11, 32), countable=True),
)
"""Every label, in the order of its id: `LABELS[i].id == i`."""

COLOURS: Final = np.array([label.colour for label in LABELS], np.uint8)
"""Their colours, (34, 3), by their ids."""

EVALUATED: Final = tuple(label for label in LABELS if label.train_id != IGNORED)
"""The 19 evaluated classes, in the order of their training ids."""

EVALUATED_COLOURS: Final = np.array([label.colour for label in EVALUATED], np.uint8)
"""Their colours, (19, 3)."""

ID: Final = {label.name: label.id for label in LABELS}
"""A label's id by its name."""

COUNTABLE: Final = frozenset(label.id for label in LABELS if label.countable)
"""The ids of countable labels."""


def nearest_colour(pixels: NDArray[np.uint8], colours: NDArray[np.uint8]) -> NDArray[np.intp]:
    """The index of the nearest colour, of (N, 3), to each pixel, (…, 3) → (…)."""
    of_pixels, of_colours = pixels.astype(np.int32), colours.astype(np.int32)
    distance = np.zeros((len(colours), *pixels.shape[:-1]), np.int32)
    for channel in range(3):
        distance += np.subtract.outer(of_colours[:, channel], of_pixels[..., channel]) ** 2
    return distance.argmin(0)


def numbered_colours() -> NDArray[np.uint8]:
    """A colour for each number of eight bits, uint8 (256, 3), no two the same.

    They are those of PASCAL VOC's label maps: a number's bits 0, 3 and 6 are the highest three bits
    of red, from the highest down; 1, 4 and 7 those of green; 2 and 5 those of blue.
    """
    numbers = np.arange(256)
    colours = np.zeros((256, 3), np.uint8)
    for bit in range(8):
        colours[:, bit % 3] |= ((numbers >> bit & 1) << (7 - bit // 3)).astype(np.uint8)
    return colours
