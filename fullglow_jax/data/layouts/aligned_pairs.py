"""Two images side by side in one file, as pix2pix's data sets have them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from fullglow_jax.data.faults import Fault
from fullglow_jax.data.images import Picture, read_rgb
from fullglow_jax.data.layouts.layout import Example, is_image
from fullglow_jax.errors import UserError


class AlignedPairs:
    """ROOT/SPLIT/*: A is the left half of each image, and B the right one.

    In the downloads of pix2pix, A is the photo of facades and cityscapes and the aerial photo of
    maps; B is the label map, and the map.

    Args:
        root: The folder that holds a folder for each split.
        split: Its name, for example 'train' or 'val'.
    """

    directions: ClassVar[Mapping[str, tuple[str, str]]] = {"AtoB": ("A", "B"), "BtoA": ("B", "A")}
    palettes: ClassVar[Mapping[str, Sequence[tuple[int, int, int]]]] = {}

    def __init__(self, root: Path | str, split: str) -> None:
        self.root = Path(root).expanduser()
        self.split = split

    def find(self, parts: Sequence[str]) -> tuple[list[Example], list[Fault]]:
        """See `Layout`."""
        folder = self.root / self.split
        if not folder.is_dir():
            raise UserError(
                f"the data folder {self.root} has no folder {self.split!r} in it; expected "
                f"{folder}/NAME.jpg (or .png …), each image with A on the left and B on the "
                "right, as in pix2pix's downloads. Point --config.data.root to the folder that "
                "holds train and val."
            )
        files = sorted(path for path in folder.iterdir() if is_image(path))
        if not files:
            raise UserError(f"the split {self.split!r} is empty: there is no image in {folder}.")
        return [Example(path.stem, dict.fromkeys(parts, path)) for path in files], []

    def read(self, example: Example, parts: Sequence[str]) -> dict[str, Picture]:
        """See `Layout`."""
        path = example.files[parts[0]]
        both = read_rgb(path)
        width = both.shape[1] // 2
        if both.shape[1] % 2 or not width:
            raise UserError(
                f"{path} is {both.shape[1]} pixels wide, which does not split into two halves: "
                "expected A and B of one width side by side."
            )
        halves = {"A": both[:, :width], "B": both[:, width:]}
        return {part: Picture(halves[part]) for part in parts}
