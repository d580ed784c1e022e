"""Conditions in one folder and targets in another, paired by file name."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from fullglow_jax.data.faults import Fault
from fullglow_jax.data.images import Picture, read_rgb
from fullglow_jax.data.layouts.layout import Example, is_image
from fullglow_jax.errors import UserError


class TwoFolders:
    """ROOT/SPLIT/A/** and ROOT/SPLIT/B/**: files of one name, whatever its suffix, are a pair.

    Names include the subfolders between, so that cities or classes may have folders of their own.

    Args:
        root: The folder that holds a folder for each split.
        split: Its name, for example 'train' or 'val'.
        folders: The names of A and B.
    """

    directions: ClassVar[Mapping[str, tuple[str, str]]] = {"AtoB": ("A", "B"), "BtoA": ("B", "A")}
    palettes: ClassVar[Mapping[str, Sequence[tuple[int, int, int]]]] = {}

    def __init__(self, root: Path | str, split: str, folders: tuple[str, str]) -> None:
        self.root = Path(root).expanduser()
        self.split = split
        self.folders = dict(zip("AB", folders, strict=True))

    def find(self, parts: Sequence[str]) -> tuple[list[Example], list[Fault]]:
        """See `Layout`."""
        files: dict[str, dict[str, Path]] = {}
        faults = []
        for part, name in self.folders.items():
            files[part], twice = self._named(self._folder(name))
            faults += twice
        a, b = files["A"], files["B"]
        for part, other, lonely in (("A", "B", a.keys() - b), ("B", "A", b.keys() - a)):
            faults += [
                Fault(
                    f"images in {self.folders[part]} without one in {self.folders[other]}",
                    f"{files[part][name]} needs "
                    f"{self.root / self.split / self.folders[other] / name}.*",
                    "Pairs are files of the same name: restore the missing ones, or remove these.",
                )
                for name in sorted(lonely)
            ]
        names = sorted(a.keys() & b)
        if not names and not faults:
            raise UserError(
                f"the split {self.split!r} is empty: there is no image in "
                f"{' or '.join(str(self.root / self.split / f) for f in self.folders.values())}."
            )
        return [Example(n, {part: files[part][n] for part in parts}) for n in names], faults

    def read(self, example: Example, parts: Sequence[str]) -> dict[str, Picture]:
        """See `Layout`."""
        return {part: Picture(read_rgb(example.files[part])) for part in parts}

    def _folder(self, name: str) -> Path:
        folder = self.root / self.split / name
        if not folder.is_dir():
            raise UserError(
                f"the folder {folder} does not exist. Expected {self.root}/SPLIT/"
                f"{self.folders['A']} and {self.root}/SPLIT/{self.folders['B']}, with images of "
                "the same names; set --config.data.root and --config.data.folders."
            )
        return folder

    def _named(self, folder: Path) -> tuple[dict[str, Path], list[Fault]]:
        """Files by their name in the folder, without suffix."""
        named: dict[str, Path] = {}
        faults = []
        for path in sorted(path for path in folder.rglob("*") if is_image(path)):
            name = str(path.relative_to(folder).with_suffix(""))
            if name in named:
                faults.append(
                    Fault(
                        "images that differ in their suffix alone",
                        f"{path} and {named[name]}",
                        "Keep one of each: pairs are found by names without suffix.",
                    )
                )
            else:
                named[name] = path
        return named, faults
