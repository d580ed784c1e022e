"""Cityscapes, and whatever lies in folders as it does."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from fullglow_jax.data.boundary import boundary_map
from fullglow_jax.data.faults import Fault
from fullglow_jax.data.images import Picture, read_ids, read_rgb
from fullglow_jax.data.layouts.layout import Example
from fullglow_jax.data.palette import LABELS, colours_from_ids
from fullglow_jax.errors import UserError

LABEL_FILES = ("color", "labelIds")
"""What label maps can be read from."""

_PHOTOS, _LABELS = "leftImg8bit", "gtFine"
_ARCHIVES = {_PHOTOS: "leftImg8bit_trainvaltest.zip", _LABELS: "gtFine_trainvaltest.zip"}

_HOW_TO_GET_DATA = """\
Cityscapes is free for research after registering at https://www.cityscapes-dataset.com/:
unpack leftImg8bit_trainvaltest.zip and gtFine_trainvaltest.zip into one folder, so that it holds
  leftImg8bit/train/aachen/aachen_000000_000019_leftImg8bit.png
  gtFine/train/aachen/aachen_000000_000019_gtFine_color.png
and point --config.data.root to that folder. To run without it, on street scenes generated here,
use --config configs/street_scenes.py."""

Key = tuple[str, str]
"""(city, image): what the file names of one example share."""


class Cityscapes:
    """Photos, label maps and boundaries of one split, by city and then by name.

    Reads ROOT/leftImg8bit/SPLIT/CITY/*_leftImg8bit.png and, from ROOT/gtFine/SPLIT/CITY, either
    *_gtFine_color.png or *_gtFine_labelIds.png (in the colours of the palette) as label maps, and
    *_gtFine_instanceIds.png, which boundaries are found in.

    Args:
        root: The folder that holds leftImg8bit and gtFine.
        split: 'train', 'val' or 'test'.
        label_files: One of `LABEL_FILES`.
    """

    directions: ClassVar[Mapping[str, tuple[str, str]]] = {
        "label2photo": ("label", "photo"),
        "photo2label": ("photo", "label"),
        "boundary2label": ("boundary", "label"),
    }
    palettes: ClassVar[Mapping[str, Sequence[tuple[int, int, int]]]] = {
        "label": tuple(dict.fromkeys(label.colour for label in LABELS))
    }

    def __init__(self, root: Path | str, split: str, label_files: str = "color") -> None:
        if label_files not in LABEL_FILES:
            raise UserError(
                f"config.data.label_files={label_files!r} is not one of {', '.join(LABEL_FILES)}."
            )
        self.root = Path(root).expanduser()
        self.split = split
        self.label_files = label_files
        self._suffixes = {
            "photo": "_leftImg8bit.png",
            "label": f"_gtFine_{label_files}.png",
            "boundary": "_gtFine_instanceIds.png",
        }

    def find(self, parts: Sequence[str]) -> tuple[list[Example], list[Fault]]:
        """See `Layout`."""
        self._check_root()
        there = {part: self._keys(part) for part in dict.fromkeys((*parts, "photo"))}
        if not any(there.values()):
            raise UserError(self._nothing())
        keys = sorted(set.union(*there.values()))
        faults = [
            self._lonely(key, part, keys_with_part)
            for part in there
            for key in keys
            if key not in there[part]
            # Named by one part that it has.
            for keys_with_part in [next(p for p in there if key in there[p])]
        ]
        whole = [key for key in keys if all(key in having for having in there.values())]
        return [Example(key[1], {p: self._path(p, key) for p in parts}) for key in whole], faults

    def read(self, example: Example, parts: Sequence[str]) -> dict[str, Picture]:
        """See `Layout`."""
        return {part: self._read(part, example.files[part]) for part in parts}

    def _read(self, part: str, path: Path) -> Picture:
        if part == "boundary":
            return Picture(boundary_map(read_ids(path)))
        if part == "label" and self.label_files == "labelIds":
            return Picture(_colours(path), labels=True)
        return Picture(read_rgb(path))

    def _path(self, part: str, key: Key) -> Path:
        folder = _PHOTOS if part == "photo" else _LABELS
        return self.root / folder / self.split / key[0] / (key[1] + self._suffixes[part])

    def _keys(self, part: str) -> set[Key]:
        folder, suffix = _PHOTOS if part == "photo" else _LABELS, self._suffixes[part]
        return {
            (path.parent.name, path.name.removesuffix(suffix))
            for path in (self.root / folder / self.split).glob(f"*/*{suffix}")
            # macOS leaves '._NAME.png' files, which are no images, beside what it copies.
            if not path.name.startswith(".")
        }

    def _lonely(self, key: Key, missing: str, present: str) -> Fault:
        names = {"photo": "photo", "label": "label map", "boundary": "instance ids"}
        archive = _ARCHIVES[_PHOTOS if missing == "photo" else _LABELS]
        return Fault(
            f"{names[present]}s without {names[missing]}",
            f"{self._path(present, key)} needs {self._path(missing, key)}",
            f"Unpack all of {archive} into the same folder, or remove the {names[present]}s.",
        )

    def _check_root(self) -> None:
        if not self.root.is_dir():
            raise UserError(f"the data folder {self.root} does not exist.\n{_HOW_TO_GET_DATA}")
        absent = [name for name in (_PHOTOS, _LABELS) if not (self.root / name).is_dir()]
        if absent:
            raise UserError(
                f"the data folder {self.root} has no {' and no '.join(absent)} in it.\n"
                f"{_HOW_TO_GET_DATA}"
            )

    def _nothing(self) -> str:
        photo = self._suffixes["photo"]
        splits = sorted(
            path.name for path in (self.root / _PHOTOS).iterdir() if any(path.glob(f"*/*{photo}"))
        )
        pattern = self.root / _PHOTOS / self.split / "CITY" / f"*{photo}"
        there = f"The splits there are: {', '.join(splits)}." if splits else "No split has any."
        return f"the split {self.split!r} is empty: no {pattern}. {there}\n{_HOW_TO_GET_DATA}"


def _colours(path: Path) -> np.ndarray:
    ids = read_ids(path)
    if ids.max() >= len(LABELS):
        raise UserError(
            f"{path} has the label id {ids.max()}, where those of Cityscapes go up to "
            f"{len(LABELS) - 1}. Is it another kind of file, or another data set's?"
        )
    return colours_from_ids(ids.astype(np.uint8))
