"""One scene of the set: a photo and its labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fullglow_jax.data.street_scenes.layout import lay_out
from fullglow_jax.data.street_scenes.photo import take_photo

SPLITS: Final = ("train", "val")
"""The splits; a scene depends on the place of its split's name here."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A photo and what is in it.

    Attributes:
        photo: red, green and blue, (height, width, 3), 8 bits.
        label_ids: label ids, (height, width), 8 bits.
        instance_ids: the label id where instances are not told apart, the label id times 1000 plus
            the instance's number where they are; (height, width), 16 bits.
    """

    photo: NDArray[np.uint8]
    label_ids: NDArray[np.uint8]
    instance_ids: NDArray[np.uint16]


def scene(
    seed: int, index: int, height: int, width: int, *, split: str = "train", appearance: int = 0
) -> Scene:
    """Makes a scene, the same one every time for the same arguments.

    Args:
        seed: of the set, not negative.
        index: of the scene in its split.
        height: pixels.
        width: pixels.
        split: "train" or "val".
        appearance: which photo of the scene: photos of other numbers show the same labels in other
            weather, light and colours.

    Returns:
        The scene.
    """
    which = (seed, SPLITS.index(split), index)
    # Drawn at twice the size: a photo's pixel is the mean of four, its label one of the four.
    layout = lay_out(np.random.default_rng((*which, 0)), 2 * height, 2 * width)
    photo = take_photo(np.random.default_rng((*which, 1, appearance)), layout)
    seen = layout.index[1::2, 1::2]
    return Scene(
        photo=np.round(photo * 255).astype(np.uint8),
        label_ids=layout.label[seen],
        instance_ids=layout.instance[seen],
    )
