"""Pairs of images side by side in one file, as in pix2pix's data sets."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from fullglow_jax.data.images import Picture, read_rgb
from fullglow_jax.data.layouts.layout import Found, Layout, PairFiles
from fullglow_jax.data.names import canonical
from fullglow_jax.errors import UserError


class AlignedPairs(Layout):
    """ROOT/SPLIT/*: A is the left half of each image, and B the right one.

    In pix2pix's facades and cityscapes, A is the photo and B the label map; in its maps, A is the
    aerial photo and B the map.
    """

    directions: ClassVar[Mapping[str, tuple[str, str]]] = {"AtoB": ("A", "B"), "BtoA": ("B", "A")}

    def find(self, parts: Sequence[str]) -> Found:
        expected = "each image with A on the left and B on the right, as in pix2pix's downloads"
        images, left_alone, faults = self.images_of_split(expected, subfolders=False)
        pairs = [PairFiles(canonical(path.stem), dict.fromkeys(parts, path)) for path in images]
        return Found(pairs, faults, left_alone)

    def read(self, pair: PairFiles, parts: Sequence[str]) -> dict[str, Picture]:
        path = pair.files[parts[0]]
        both = read_rgb(path)
        width = both.shape[1] // 2
        if both.shape[1] % 2 or not width:
            raise UserError(
                f"{path} is {both.shape[1]} pixels wide, which does not split into two halves: "
                "expected A and B of one width side by side."
            )
        halves = {"A": both[:, :width], "B": both[:, width:]}
        return {part: Picture(halves[part]) for part in parts}
