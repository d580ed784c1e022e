"""Single images, in a folder for each split or named by a CSV, for models without conditions."""

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from fullglow_jax.data.classes import FOLDERS, folder_class
from fullglow_jax.data.faults import Fault
from fullglow_jax.data.image_files import LeftAlone, find_images
from fullglow_jax.data.image_list import SPLIT, Listed, read_image_list
from fullglow_jax.data.layouts.layout import Found, Layout, PairFiles
from fullglow_jax.data.names import canonical
from fullglow_jax.errors import UserError


class Images(Layout):
    """ROOT/SPLIT/**: every image is an example, named by its path below the split's folder.

    To make a pair, the image is both target and condition; models of single images do not read
    conditions.

    Args:
        root: The folder that holds the data.
        split: The split's name, for example 'train' or 'val'.
        labels: Where classes come from: "folders", ROOT/SPLIT/CLASS/**, or a column of the CSV;
            empty for no classes.
        csv: The path below ROOT of a CSV that names the images, in the column `name`, relative to
            ROOT/SPLIT or to ROOT; SPLIT in it stands for the split's name. Empty for all images
            below ROOT/SPLIT.
    """

    options = ("labels", "csv")
    directions: ClassVar[Mapping[str, tuple[str, str]]] = {"image": ("image", "image")}

    def __init__(self, root: Path | str, split: str, labels: str = "", csv: str = "") -> None:
        super().__init__(root, split)
        if labels not in ("", FOLDERS) and not csv:
            raise UserError(
                f"config.data.labels={labels!r} must be {FOLDERS!r}, or a column of the CSV that "
                f"config.data.csv names, and it names none; --config.data.csv={SPLIT}.csv say."
            )
        if csv and SPLIT not in csv:
            raise UserError(
                f"config.data.csv={csv!r} would be the same images in every split: write {SPLIT} "
                f"in its place of the split's name, {SPLIT}.csv say."
            )
        self.labels = labels
        self._list = self.root / csv.replace(SPLIT, split) if csv else None

    def find(self, parts: Sequence[str]) -> Found:
        if self._list is not None:
            column = "" if self.labels == FOLDERS else self.labels
            return self._named(read_image_list(self._list, column), parts)
        images, left_alone, faults = self.images_of_split(
            "in subfolders if you like", subfolders=True
        )
        pairs = [self._pair(path, parts, None) for path in images]
        return Found(pairs, faults, left_alone)

    def _named(self, rows: Iterable[Listed], parts: Sequence[str]) -> Found:
        """The images that a CSV names."""
        pairs: dict[Path, PairFiles] = {}
        lines: dict[Path, str] = {}
        faults = []
        for row in rows:
            path = self._path(row.name)
            if path is None:
                faults.append(_missing(row, self.folder))
            elif path in pairs:
                faults.append(_twice(row, lines[path]))
            else:
                pairs[path], lines[path] = self._pair(path, parts, row.label), row.where
        return Found(list(pairs.values()), faults, self._others(pairs))

    def _path(self, name: str) -> Path | None:
        """The image of this name below ROOT/SPLIT, or else below ROOT."""
        for folder in (self.folder, self.root):
            path = Path(os.path.normpath(folder / name))
            with suppress(OSError, ValueError):  # of names that no file can have
                if path.is_file():
                    return path
        return None

    def _pair(self, path: Path, parts: Sequence[str], label: str | None) -> PairFiles:
        # A CSV may also name an image elsewhere, by its whole path.
        folder = next((f for f in (self.folder, self.root) if path.is_relative_to(f)), path.anchor)
        name = canonical(str(path.relative_to(folder)))
        label = folder_class(name) if self.labels == FOLDERS else label
        return PairFiles(name, dict.fromkeys(parts, path), label)

    def _others(self, named: Mapping[Path, object]) -> list[LeftAlone]:
        """The images of the split's folder that the CSV does not name."""
        if self._list is None or not self.folder.is_dir():
            return []
        images, left_alone, _ = find_images(self.folder)
        why = f"not named in {self._list.name}"
        return [*left_alone, *(LeftAlone(why, path) for path in images if path not in named)]


def _missing(row: Listed, folder: Path) -> Fault:
    return Fault(
        "images that a CSV names and that are not there",
        f"{row.where}: {row.name or 'the name is empty'}",
        f"Names are paths below {folder} or below {folder.parent}, with their suffix: restore the "
        "images, or take the rows out.",
    )


def _twice(row: Listed, first: str) -> Fault:
    return Fault(
        "images that a CSV names twice",
        f"{row.where}: {row.name}, which is there before ({first})",
        "Keep one row of each.",
    )
