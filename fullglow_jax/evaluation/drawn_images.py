"""Folders of images that a system has drawn for a split, in one round or several."""

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fullglow_jax.data.faults import Fault
from fullglow_jax.data.image_files import is_image, name_below
from fullglow_jax.data.images import read_rgb
from fullglow_jax.errors import UserError, mended
from fullglow_jax.evaluation.image_folders import ROUND, images_below
from fullglow_jax.sampling.file_names import readable

_MISSING = "no image for a pair of the split"
_DAMAGED = "images that cannot be read"
_SIZE = "images of a wrong size"
_SEVERAL = "several images for a pair of the split"


class DrawnImages:
    """`FOLDER/round_1/NAME.png` and so on, as from `sample.py --mode set`, or `FOLDER/NAME.png`.

    Images may be of any format, one for each pair and round. Names are compared in canonical form.

    Args:
        folder: The folder.
        image_size: (H, W) of the model; images may have this size or the true image's. None for
            images of any size.
        rounds: Only the first so many; None for all.

    Attributes:
        rounds: The folder of each round.

    Raises:
        UserError: If there is no such folder.
    """

    def __init__(
        self, folder: Path, image_size: tuple[int, int] | None, rounds: int | None = None
    ) -> None:
        if not folder.is_dir():
            raise UserError(f"--images {folder} is not a folder. Expected one image for each pair.")
        folders = _listed(folder).folders
        numbered = [folders[name] for name in folders if ROUND.fullmatch(name)]
        numbered.sort(key=lambda path: (int(path.name.removeprefix("round_")), path.name))
        self.rounds = numbered[:rounds] or [folder]
        # Beside the folders of rounds, there may be other images that were meant to be scored.
        self._beside = folder if numbered and rounds is None else None
        self._image_size = image_size
        # Pairs of one folder follow one another, each in all rounds.
        self._listed = lru_cache(maxsize=4 * len(self.rounds) + 4)(_listed)

    @property
    def names(self) -> list[str]:
        """The names of the first round's images, in order, as pairs of a split would be named.

        Raises:
            UserError: If there are none, or a folder cannot be looked into.
        """
        first = self.rounds[0]
        files = images_below(first, "--images")
        if not files:
            raise UserError(f"--images {first} has no images.")
        return list(dict.fromkeys(name_below(first, path) for path in files))

    def __call__(self, name: str, size: tuple[int, int]) -> list[np.ndarray | Fault]:
        """A pair's image of each round, uint8 (h, w, 3), or its fault; `size` is the truth's."""
        return [self._read(folder, name, size) for folder in self.rounds]

    def _read(self, folder: Path, name: str, size: tuple[int, int]) -> np.ndarray | Fault:
        files = self._find(folder, name)
        if not files:
            return Fault(_MISSING, f"{folder / name}.png", "Draw it, as PNG or another image.")
        files += self._find(self._beside, name) if self._beside else []
        if len(files) > 1:
            case = f"{name}: {', '.join(map(str, files))}"
            return Fault(_SEVERAL, case, "Leave one of them, in the folder of its round.")
        (file,) = files
        try:
            image = read_rgb(file)
        except UserError as error:
            return Fault(_DAMAGED, str(error), "Draw them again.")
        if self._image_size and image.shape[:2] not in (size, self._image_size):
            (height, width), (true_h, true_w), (h, w) = image.shape[:2], size, self._image_size
            case = f"{file} is {height}×{width}, not {h}×{w} or the truth's {true_h}×{true_w}"
            return Fault(_SIZE, case, "Draw them at one of the two sizes.")
        return image

    def _find(self, folder: Path, name: str) -> list[Path]:
        *between, last = readable(name).split("/")
        for part in between:
            folder = self._listed(folder).folders.get(part, folder / part)
        return list(self._listed(folder).images.get(last, ()))


class _Listed(NamedTuple):
    """A folder's content by `readable` names; names of images are without ending."""

    folders: dict[str, Path]
    images: dict[str, list[Path]]


def _listed(folder: Path) -> _Listed:
    """The content; empty if there is no such folder; raises UserError if it cannot be read."""
    with mended(f"{folder} cannot be read", "Make it readable."):
        paths = sorted(folder.iterdir()) if folder.is_dir() else []
    images: dict[str, list[Path]] = {}
    for path in filter(is_image, paths):
        images.setdefault(readable(path.stem), []).append(path)
    return _Listed({readable(path.name): path for path in paths if path.is_dir()}, images)
