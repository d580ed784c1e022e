"""One scene of the set: a photo and its labels."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fullglow_jax.street_scenes.photo import take_photo
from fullglow_jax.street_scenes.plan import plan_scene

SPLITS: Final = ("train", "val")
"""The splits; a scene depends on the index of its split in this tuple."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A photo and its labels.

    Attributes:
        photo: red, green and blue, (height, width, 3), 8 bits.
        label_ids: label ids, (height, width), 8 bits.
        instance_ids: the label id, or for labels with instances the label id times 1000 plus the
            instance's number; (height, width), 16 bits.
    """

    photo: NDArray[np.uint8]
    label_ids: NDArray[np.uint8]
    instance_ids: NDArray[np.uint16]


def scene(
    seed: int, index: int, height: int, width: int, *, split: str = "train", appearance: int = 0
) -> Scene:
    """Makes a scene, the same one every time for the same arguments.

    Args:
        seed: seed of the set, not negative.
        index: index of the scene in its split.
        height: pixels.
        width: pixels.
        split: "train" or "val".
        appearance: number of the photo: photos with other numbers show the same labels in other
            weather, light and colours.

    Returns:
        The scene.
    """
    which = (seed, SPLITS.index(split), index)
    # Drawn at twice the size: a pixel of the photo is the mean of four, its label is one of four.
    plan = plan_scene(np.random.default_rng((*which, 0)), 2 * height, 2 * width)
    photo = take_photo(np.random.default_rng((*which, 1, appearance)), plan)
    seen = plan.index[1::2, 1::2]
    return Scene(
        photo=np.round(photo * 255).astype(np.uint8),
        label_ids=plan.label[seen],
        instance_ids=plan.instance[seen],
    )
