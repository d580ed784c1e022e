"""Pairs with conditions in one folder and targets in another, matched by file name."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

from fullglow_jax.data.classes import FOLDERS, folder_class
from fullglow_jax.data.faults import Fault
from fullglow_jax.data.image_files import LeftAlone, find_images, name_below, one_of_each
from fullglow_jax.data.layouts.layout import Found, Layout, PairFiles, nothing_in
from fullglow_jax.data.names import canonical
from fullglow_jax.errors import UserError


class TwoFolders(Layout):
    """ROOT/SPLIT/A/** and ROOT/SPLIT/B/**: files of one name, with any suffix, are a pair.

    Names include sub-folders, so that cities or classes may have their own folders.

    Args:
        root: The folder that holds a folder for each split.
        split: The split's name, for example 'train' or 'val'.
        folders: The names of A and B.
        labels: "folders" if classes have their own folders, ROOT/SPLIT/A/CLASS/**; empty for no
            classes.
    """

    options = ("folders", "labels")
    directions: ClassVar[Mapping[str, tuple[str, str]]] = {"AtoB": ("A", "B"), "BtoA": ("B", "A")}

    def __init__(
        self, root: Path | str, split: str, folders: tuple[str, str], labels: str = ""
    ) -> None:
        super().__init__(root, split)
        if labels not in ("", FOLDERS):
            raise UserError(
                f"config.data.labels={labels!r} must be {FOLDERS!r}: classes of this data are the "
                "names of folders below A and B."
            )
        self.labels = labels
        self.folders = dict(zip("AB", folders, strict=True))

    def find(self, parts: Sequence[str]) -> Found:
        files: dict[str, dict[str, Path]] = {}
        faults: list[Fault] = []
        left_alone: list[LeftAlone] = []
        for part, name in self.folders.items():
            folder = self._folder(name)
            there = find_images(folder)
            files[part], twice = one_of_each(there.images, partial(name_below, folder))
            faults += [*there.faults, *twice]
            left_alone += there.left_alone
        a, b = files["A"], files["B"]
        for part, other, lonely in (("A", "B", a.keys() - b), ("B", "A", b.keys() - a)):
            faults += [
                Fault(
                    f"images in {self.folders[part]} without one in {self.folders[other]}",
                    f"{files[part][name]} needs {self.folder / self.folders[other] / name}.*",
                    "Pairs are files of the same name: restore the missing ones, or remove these.",
                )
                for name in sorted(lonely)
            ]
        names = sorted(a.keys() & b)
        if not names and not faults:
            folders = [self.folder / name for name in self.folders.values()]
            raise nothing_in(self.split, folders, left_alone)
        pairs = [
            PairFiles(
                name,
                {part: files[part][name] for part in parts},
                folder_class(name) if self.labels else None,
            )
            for name in names
        ]
        return Found(pairs, faults, left_alone)

    def _folder(self, name: str) -> Path:
        split, folder = self.folder, self.folder / name
        if not folder.is_dir() and split.is_dir():
            same = [path for path in split.iterdir() if canonical(path.name) == canonical(name)]
            folder = same[0] if len(same) == 1 else folder
        if not folder.is_dir():
            raise UserError(
                f"the folder {folder} does not exist. Expected {self.root}/SPLIT/"
                f"{self.folders['A']} and {self.root}/SPLIT/{self.folders['B']}, with images of "
                "the same names; set --config.data.root and --config.data.folders."
            )
        return folder
