"""Single images in a folder for each split, for models without conditions."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from fullglow_jax.data.faults import Fault
from fullglow_jax.data.images import Picture, read_rgb
from fullglow_jax.data.layouts.layout import Example, is_image
from fullglow_jax.errors import UserError


class Images:
    """ROOT/SPLIT/**: every image is an example, named by its path below the split's folder.

    It is target and condition both, so that it makes a pair; models that take single images do not
    read conditions.

    Args:
        root: The folder that holds a folder for each split.
        split: Its name, for example 'train' or 'val'.
    """

    directions: ClassVar[Mapping[str, tuple[str, str]]] = {"image": ("image", "image")}
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
                f"{folder}/NAME.jpg (or .png …), in subfolders if you like. Point "
                "--config.data.root to the folder that holds train and val."
            )
        files = sorted(path for path in folder.rglob("*") if is_image(path))
        if not files:
            raise UserError(f"the split {self.split!r} is empty: there is no image in {folder}.")
        return [
            Example(str(path.relative_to(folder)), dict.fromkeys(parts, path)) for path in files
        ], []

    def read(self, example: Example, parts: Sequence[str]) -> dict[str, Picture]:
        """See `Layout`."""
        return {part: Picture(read_rgb(example.files[part])) for part in parts}
