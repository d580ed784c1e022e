"""Single images, in a folder for each split, for models without conditions."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from fullglow_jax.data.layouts.layout import Found, Layout, PairFiles
from fullglow_jax.data.names import canonical


class Images(Layout):
    """ROOT/SPLIT/**: every image is an example, named by its path below the split's folder.

    To make a pair, the image is both target and condition; models of single images do not read
    conditions.
    """

    directions: ClassVar[Mapping[str, tuple[str, str]]] = {"image": ("image", "image")}

    def find(self, parts: Sequence[str]) -> Found:
        images, left_alone, faults = self.images_of_split(
            "in subfolders if you like", subfolders=True
        )
        pairs = [
            PairFiles(canonical(str(path.relative_to(self.folder))), dict.fromkeys(parts, path))
            for path in images
        ]
        return Found(pairs, faults, left_alone)
