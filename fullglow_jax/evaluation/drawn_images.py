"""A folder of images that a system has drawn for a split, in one round or several."""

from pathlib import Path

import numpy as np

from fullglow_jax.data.faults import Fault
from fullglow_jax.data.images import read_rgb
from fullglow_jax.errors import UserError

ENDINGS = (".png", ".jpg", ".jpeg", ".webp")

_MISSING = "no image for a pair of the split"
_DAMAGED = "images that cannot be read"
_SIZE = "images of a wrong size"


class DrawnImages:
    """`FOLDER/round_1/NAME.png` and so on, as `sample.py --mode set` writes them, or `FOLDER/NAME`.

    Args:
        folder: Where they lie.
        image_size: (H, W) of the model, which images may have; else they are of the truth's size.
        rounds: Only the first so many, or all that there are.

    Attributes:
        rounds: The folders of each round.

    Raises:
        UserError: There is no such folder.
    """

    def __init__(
        self, folder: Path, image_size: tuple[int, int], rounds: int | None = None
    ) -> None:
        if not folder.is_dir():
            raise UserError(f"--images {folder} is not a folder. Expected one image for each pair.")
        numbered = sorted(folder.glob("round_*"), key=lambda path: (len(path.name), path.name))
        self.rounds = [path for path in numbered if path.is_dir()][:rounds] or [folder]
        self._image_size = image_size

    def __call__(self, name: str, size: tuple[int, int]) -> list[np.ndarray | Fault]:
        """A pair's image of each round, uint8 (h, w, 3), or what is wrong with it.

        Args:
            name: The pair's.
            size: (H, W) of the true image.
        """
        return [self._read(folder / name, size) for folder in self.rounds]

    def _read(self, path: Path, size: tuple[int, int]) -> np.ndarray | Fault:
        there = (path.with_name(path.name + ending) for ending in ENDINGS)
        file = next((candidate for candidate in there if candidate.is_file()), None)
        if file is None:
            expected = f"{path}.png"
            return Fault(_MISSING, expected, f"Draw it, as {', '.join(ENDINGS)}.")
        try:
            image = read_rgb(file)
        except UserError as error:
            return Fault(_DAMAGED, str(error), "Draw them again.")
        if image.shape[:2] not in (size, self._image_size):
            (height, width), (true_h, true_w), (h, w) = image.shape[:2], size, self._image_size
            case = f"{file} is {height}×{width}, not {h}×{w} or the truth's {true_h}×{true_w}"
            return Fault(_SIZE, case, "Draw them at one of the two sizes.")
        return image
