"""Pairs with conditions in one folder and targets in another, matched by file name."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

from fullglow_jax.data.classes import FOLDERS, folder_class
from fullglow_jax.data.faults import Fault, refuse
from fullglow_jax.data.image_files import LeftAlone, find_images, name_below, one_of_each
from fullglow_jax.data.images import Picture, read_ids, read_rgb
from fullglow_jax.data.layouts.layout import Found, Layout, PairFiles, nothing_in
from fullglow_jax.data.layouts.matching import Lonely, match
from fullglow_jax.data.names import canonical
from fullglow_jax.data.numbering import LABEL_COLOURS, NUMBERS, colour_list, painted_numbers
from fullglow_jax.data.options import chosen_direction
from fullglow_jax.data.renumbering import Renumbering
from fullglow_jax.errors import UserError


class TwoFolders(Layout):
    """ROOT/SPLIT/A/** and ROOT/SPLIT/B/**: files of one name, with any suffix, are a pair.

    Names include sub-folders, so that cities or classes may have their own folders. A third folder
    may have the instance ids of each pair, in files of the same names.

    Args:
        root: The folder that holds a folder for each split.
        split: The split's name, for example 'train' or 'val'.
        folders: The names of A and B.
        labels: "folders" if classes have their own folders, ROOT/SPLIT/A/CLASS/**; empty for no
            classes.
        instances: The name of the folder of instance ids; empty if there is none.
        label_colours: "own" for label maps in colours, or "numbers" for label ids.
        label_maps: The parts that are label maps; None for the condition.
        direction: The direction, which says what is the condition.
    """

    options = ("folders", "labels", "instances", "label_colours", "label_maps", "direction")
    directions: ClassVar[Mapping[str, tuple[str, str]]] = {"AtoB": ("A", "B"), "BtoA": ("B", "A")}

    def __init__(
        self,
        root: Path | str,
        split: str,
        folders: tuple[str, str],
        labels: str = "",
        instances: str = "",
        label_colours: str = LABEL_COLOURS[0],
        label_maps: Sequence[str] | None = None,
        direction: str | None = None,
    ) -> None:
        super().__init__(root, split)
        if labels not in ("", FOLDERS):
            raise UserError(
                f"config.data.labels={labels!r} must be {FOLDERS!r}: classes of this data are the "
                "names of folders below A and B."
            )
        if instances in folders:
            raise UserError(
                f"config.data.instances={instances!r} is one of config.data.folders={folders}: "
                "instance ids are in files of their own, in a third folder."
            )
        self.labels = labels
        self.folders = dict(zip("AB", folders, strict=True))
        if instances:
            self.folders["instances"] = instances
            self.annotations = ("instances",)
        if label_colours == "numbers":
            condition, _ = self.directions[chosen_direction(direction, self.directions)]
            self.numbered = tuple(label_maps or (condition,))
            self.palettes = dict.fromkeys(self.numbered, colour_list(NUMBERS))

    def find(self, parts: Sequence[str]) -> Found:
        files: dict[str, dict[str, Path]] = {}
        faults: list[Fault] = []
        left_alone: list[LeftAlone] = []
        for part in dict.fromkeys(("A", "B", *parts)):
            folder = self._folder(part)
            there = find_images(folder)
            files[part], twice = one_of_each(there.images, partial(name_below, folder))
            faults += [*there.faults, *twice]
            left_alone += there.left_alone
        names, lonely = match(files, self._lonely)
        faults += lonely
        if not names and not faults:
            folders = [self.folder / self.folders[part] for part in files]
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

    def read(self, pair: PairFiles, parts: Sequence[str]) -> dict[str, Picture]:
        return {part: self._read(part, pair.files[part]) for part in parts}

    def renumberings(self) -> Iterator[Renumbering]:
        name = self.folders.get("instances")
        if not name or not self.numbered:
            raise UserError(
                "in two_folders, instance maps are made of label ids: "
                "--config.data.label_colours=numbers says that label maps are ids, and "
                "--config.data.instances=NAME names the folder to write."
            )
        (part, *_), read = self.numbered, partial(read_ids, colours=NUMBERS)
        folder = self._folder(part)
        there = find_images(folder)
        files, twice = one_of_each(there.images, partial(name_below, folder))
        refuse((*there.faults, *twice))
        if not files:
            raise nothing_in(self.split, [folder], there.left_alone)
        for each, path in files.items():
            yield Renumbering(read, path, self.folder / name / f"{each}.png")

    def _read(self, part: str, path: Path) -> Picture:
        if part == "instances":
            return Picture(read_ids(path), labels=True)
        return painted_numbers(path) if part in self.numbered else Picture(read_rgb(path))

    def _lonely(self, lonely: Lonely) -> Fault:
        missing = self.folders[lonely.missing]
        return Fault(
            f"images in {self.folders[lonely.present]} without one in {missing}",
            f"{lonely.path} needs {self.folder / missing / lonely.key}.*",
            "Pairs are files of the same name: restore the missing ones, or remove these.",
        )

    def _folder(self, part: str) -> Path:
        name = self.folders[part]
        split, folder = self.folder, self.folder / name
        if not folder.is_dir() and split.is_dir():
            same = [path for path in split.iterdir() if canonical(path.name) == canonical(name)]
            folder = same[0] if len(same) == 1 else folder
        if not folder.is_dir():
            key = "instances" if part == "instances" else "folders"
            expected = " and ".join(f"{self.root}/SPLIT/{each}" for each in self.folders.values())
            raise UserError(
                f"the folder {folder} does not exist. Expected {expected}, with images of "
                f"the same names; set --config.data.root and --config.data.{key}."
            )
        return folder
