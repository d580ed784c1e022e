"""Cityscapes, and data sets with the same folders."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from fullglow_jax.data.boundary import boundary_map
from fullglow_jax.data.faults import Fault
from fullglow_jax.data.image_files import (
    ImageFiles,
    LeftAlone,
    described_left_alone,
    find_images,
    one_of_each,
)
from fullglow_jax.data.images import Picture, read_ids, read_rgb
from fullglow_jax.data.layouts.layout import Found, Layout, PairFiles
from fullglow_jax.data.layouts.matching import Lonely, match
from fullglow_jax.data.names import canonical
from fullglow_jax.data.numbering import LABEL_COLOURS, NUMBERINGS, NUMBERS, colour_list
from fullglow_jax.data.renumbering import Renumbering
from fullglow_jax.errors import UserError
from fullglow_jax.palette import COLOURS, ID, IGNORED

LABEL_FILES = ("color", *NUMBERINGS)
"""The kinds of files from which label maps can be read."""

_PHOTOS, _LABELS = "leftImg8bit", "gtFine"
_ARCHIVES = {_PHOTOS: "leftImg8bit_trainvaltest.zip", _LABELS: "gtFine_trainvaltest.zip"}

_KNOWN = {
    _PHOTOS: ("_leftImg8bit",),
    _LABELS: tuple(
        f"_gtFine_{kind}" for kind in (*LABEL_FILES, "instanceIds", "instanceReIds", "polygons")
    ),
}
"""Ends of the names of the data set's files, before their suffix."""

_HOW_TO_GET_DATA = """\
Cityscapes is free for research after registering at https://www.cityscapes-dataset.com/:
unpack leftImg8bit_trainvaltest.zip and gtFine_trainvaltest.zip into one folder, so that it holds
  leftImg8bit/train/aachen/aachen_000000_000019_leftImg8bit.png
  gtFine/train/aachen/aachen_000000_000019_gtFine_color.png
and point --config.data.root to that folder. To run without it, on street scenes generated here,
use --config street_scenes."""

Key = tuple[str, str]
"""(city, image), the common part of one example's file names."""


class Cityscapes(Layout):
    """Photos, label maps and boundaries of one split, by city and then by name.

    Reads ROOT/leftImg8bit/SPLIT/CITY/*_leftImg8bit.png and, from ROOT/gtFine/SPLIT/CITY,
    *_gtFine_color.png, *_gtFine_labelIds.png or *_gtFine_labelTrainIds.png (both become the colours
    of the palette, void becomes black) as label maps, and *_gtFine_instanceIds.png as instances,
    from which boundaries are computed. Other suffixes of images are possible.

    Args:
        root: The folder that holds leftImg8bit and gtFine.
        split: 'train', 'val' or 'test'.
        label_files: One of `LABEL_FILES`.
        label_colours: "own", or "numbers" for ids in the colours of their numbers.
    """

    options = ("label_files", "label_colours")
    directions: ClassVar[Mapping[str, tuple[str, str]]] = {
        "label2photo": ("label", "photo"),
        "photo2label": ("photo", "label"),
        "boundary2label": ("boundary", "label"),
    }
    annotations = ("boundary", "instances")
    ids_by_class = True

    def __init__(
        self,
        root: Path | str,
        split: str,
        label_files: str = "color",
        label_colours: str = LABEL_COLOURS[0],
    ) -> None:
        super().__init__(root, split)
        self.numbered = ("label",) if label_colours == "numbers" else ()
        if self.numbered and label_files not in NUMBERINGS:
            raise UserError(
                f"config.data.label_colours={label_colours!r} paints label ids, and "
                f"config.data.label_files={label_files!r} are painted already: set "
                "--config.data.label_files=labelIds."
            )
        self.label_files = label_files
        self.palettes = {"label": colour_list(NUMBERS if self.numbered else COLOURS)}
        self._endings = {
            "photo": "_leftImg8bit",
            "label": f"_gtFine_{label_files}",
            "boundary": "_gtFine_instanceIds",
            "instances": "_gtFine_instanceIds",
        }

    def find(self, parts: Sequence[str]) -> Found:
        self._check_root()
        folders = {top: self.root / top / self.split for top in (_PHOTOS, _LABELS)}
        found = {top: find_images(folder) for top, folder in folders.items() if folder.is_dir()}
        there: dict[str, dict[Key, Path]] = {}
        faults = [fault for each in found.values() for fault in each.faults]
        left_alone = _unknown(found)
        for part in dict.fromkeys((*parts, "photo")):
            there[part], twice = self._named(part, found)
            faults += twice
        if not any(there.values()) and not faults:
            raise UserError("\n".join([self._nothing(), *described_left_alone(left_alone)]))
        whole, lonely = match(there, self._lonely)
        pairs = [PairFiles(key[1], {part: there[part][key] for part in parts}) for key in whole]
        return Found(pairs, [*faults, *lonely], left_alone)

    def read(self, pair: PairFiles, parts: Sequence[str]) -> dict[str, Picture]:
        return {part: self._read(part, pair.files[part]) for part in parts}

    def renumberings(self) -> Iterator[Renumbering]:
        self._check_root()
        folder, ending = self._folder("instances"), self._endings["instances"]
        images = find_images(folder).images if folder.is_dir() else ()
        files = [path for path in images if path.stem.endswith(ending)]
        if not files:
            raise UserError(f"the split {self.split!r} has no instance ids in {folder}.")
        for path in files:
            name = f"{path.stem.removesuffix(ending)}_gtFine_instanceReIds.png"
            yield Renumbering(read_ids, path, path.with_name(name))

    def _read(self, part: str, path: Path) -> Picture:
        if part == "boundary":
            return Picture(boundary_map(read_ids(path)))
        if part == "instances":
            return Picture(read_ids(path), labels=True)
        if part == "label" and self.label_files in NUMBERINGS:
            return Picture(self._painted(path), labels=True)
        return Picture(read_rgb(path))

    def _painted(self, path: Path) -> np.ndarray:
        numbering = NUMBERINGS[self.label_files]
        ids = read_ids(path, numbering.colours)
        strange = numbering.strange(ids)
        if strange is None:
            return (NUMBERS if self.numbered else numbering.colours)[ids]
        raise UserError(
            f"{path} has the {numbering.called} {strange}, where those of Cityscapes "
            f"{numbering.extent}. {_meant(ids, strange)}"
        )

    def _folder(self, part: str) -> Path:
        return self.root / _top(part) / self.split

    def _named(
        self, part: str, found: Mapping[str, ImageFiles]
    ) -> tuple[dict[Key, Path], list[Fault]]:
        """The files of a part by their keys."""
        folder, ending = self._folder(part), self._endings[part]

        def key(path: Path) -> Key:
            city = canonical(str(path.parent.relative_to(folder)))
            return city, canonical(path.stem.removesuffix(ending))

        images = found[_top(part)].images if _top(part) in found else ()
        return one_of_each((path for path in images if path.stem.endswith(ending)), key)

    def _lonely(self, lonely: Lonely) -> Fault:
        names = {"photo": "photo", "label": "label map"}
        names |= dict.fromkeys(self.annotations, "instance ids")
        (city, image), missing = lonely.key, lonely.missing
        wanted = self._folder(missing) / city / f"{image}{self._endings[missing]}.png"
        present, archive = names[lonely.present], _ARCHIVES[_top(missing)]
        return Fault(
            f"{present}s without {names[missing]}",
            f"{lonely.path} needs {wanted}",
            f"Unpack all of {archive} into the same folder, or remove the {present}s.",
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
        photo = self._endings["photo"]
        splits = sorted(
            folder.name
            for folder in (self.root / _PHOTOS).iterdir()
            if folder.is_dir() and any(p.stem.endswith(photo) for p in find_images(folder).images)
        )
        pattern = self._folder("photo") / "CITY" / f"*{photo}.png"
        there = f"The splits there are: {', '.join(splits)}." if splits else "No split has any."
        return f"the split {self.split!r} is empty: no {pattern}. {there}\n{_HOW_TO_GET_DATA}"


def _top(part: str) -> str:
    """The folder of the data set that holds a part."""
    return _PHOTOS if part == "photo" else _LABELS


def _unknown(found: Mapping[str, ImageFiles]) -> list[LeftAlone]:
    """Files whose names are not those of the data set's files, needed or not."""
    left_alone = []
    for top, there in found.items():
        known = _KNOWN[top]
        images = (LeftAlone(f"not named *{known[0]} or the like", path) for path in there.images)
        left_alone += [
            each for each in (*there.left_alone, *images) if not each.path.stem.endswith(known)
        ]
    return left_alone


def _meant(ids: np.ndarray, strange: int) -> str:
    """A guess what a map with strange numbers may be."""
    for kind, numbering in NUMBERINGS.items():
        if numbering.strange(ids) is None:
            return (
                f"All of its numbers are {numbering.called}s: if that is what these files hold, "
                f"name them *_gtFine_{kind}.png and set --config.data.label_files={kind}."
            )
    if strange == IGNORED:
        return (
            f"{IGNORED} is void in trainIds files, but others of its numbers are no trainIds: give "
            f"void its label id, {ID['unlabeled']}."
        )
    return "Is it another kind of file, or another data set's?"
