"""Photos, label ids and instance ids in folders of their own: the base of data sets laid out so."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar, NamedTuple

from fullglow_jax.data.faults import Fault, refuse
from fullglow_jax.data.image_files import (
    ImageFiles,
    LeftAlone,
    find_images,
    name_below,
    one_of_each,
)
from fullglow_jax.data.images import Picture, read_ids, read_rgb
from fullglow_jax.data.layouts.layout import Found, Layout, PairFiles, nothing_in
from fullglow_jax.data.layouts.matching import Lonely, match
from fullglow_jax.data.numbering import NUMBERS, colour_list, painted_numbers
from fullglow_jax.data.renumbering import Renumbering
from fullglow_jax.errors import UserError
from fullglow_jax.installation import as_called

MAKE = as_called("python -m fullglow_jax.data.instances")
"""The command that makes instance ids."""

_CALLED = {"photo": "photo", "label": "label map", "instances": "instance map"}


NO_SPLIT = "of no split, by their names"


class Place(NamedTuple):
    """Where the files of a part are.

    Attributes:
        folder: Their folder; they may lie in sub-folders.
        owner: If the folder has files of other splits or parts too, the (split, part) of a file
            below it; None if it has none.
    """

    folder: Path
    owner: Callable[[Path], tuple[str, str] | None] | None = None


class LabelledPhotos(Layout):
    """Photos and label ids, painted in the colours of these numbers, matched by name.

    Args:
        root: The folder that holds the data.
        split: The split's name: 'train', 'val' or 'test'.
    """

    directions: ClassVar[Mapping[str, tuple[str, str]]] = {
        "label2photo": ("label", "photo"),
        "photo2label": ("photo", "label"),
    }
    annotations = ("instances",)
    palettes: Mapping[str, Sequence[tuple[int, int, int]]] = {"label": colour_list(NUMBERS)}
    numbered = ("label",)

    called: ClassVar[str]
    """The data set, for messages."""

    expected: ClassVar[str]
    """Its folders, for messages."""

    first_channel: ClassVar[bool] = False
    """Whether label ids are in the first of several channels."""

    @abstractmethod
    def place(self, part: str) -> Place:
        """Where the files of "photo", "label" or "instances" are; it need not be there.

        Raises:
            UserError: If the data set has no such split.
        """

    def name(self, folder: Path, path: Path) -> str:
        """The name that a file in a part's folder has in common with those of the other parts."""
        return name_below(folder, path)

    def find(self, parts: Sequence[str]) -> Found:
        files: dict[str, dict[str, Path]] = {}
        faults: list[Fault] = []
        left_alone: list[LeftAlone] = []
        for part in dict.fromkeys(("label", "photo", *parts)):
            files[part], found = self._files(part)
            faults += found.faults
            left_alone += found.left_alone
        names, lonely = match(files, self._lonely)
        # Parts may have one folder, whose files are then looked at for each of them.
        faults = [*dict.fromkeys(faults), *lonely]
        left_alone = list(dict.fromkeys(left_alone))
        if not names and not faults:
            raise self._nothing(files, left_alone)
        pairs = [PairFiles(name, {part: files[part][name] for part in parts}) for name in names]
        return Found(pairs, faults, left_alone)

    def read(self, pair: PairFiles, parts: Sequence[str]) -> dict[str, Picture]:
        return {part: self._read(part, pair.files[part]) for part in parts}

    def renumberings(self) -> Iterator[Renumbering]:
        read = partial(read_ids, colours=NUMBERS, first_channel=self.first_channel)
        files, found = self._files("label")
        refuse(found.faults)
        if not files:
            raise self._nothing(["label"], found.left_alone)
        for name, path in files.items():
            target = self.place("instances").folder / f"{name}.png"
            yield Renumbering(read, path, target)

    def _read(self, part: str, path: Path) -> Picture:
        if part == "label":
            return painted_numbers(path, first_channel=self.first_channel)
        if part == "instances":
            return Picture(read_ids(path), labels=True)
        return Picture(read_rgb(path))

    def _files(self, part: str) -> tuple[dict[str, Path], ImageFiles]:
        """A part's files by name, and what its folder has."""
        folder, owner = self._there(part)
        images, left_alone, faults = find_images(folder)
        owners = {path: owner(path) if owner else (self.split, part) for path in images}
        mine = [path for path in images if owners[path] == (self.split, part)]
        strange = [LeftAlone(NO_SPLIT, path) for path in images if owners[path] is None]
        files, twice = one_of_each(mine, partial(self.name, folder))
        return files, ImageFiles(tuple(mine), (*left_alone, *strange), (*faults, *twice))

    def _there(self, part: str) -> Place:
        place = self.place(part)
        if place.folder.is_dir():
            return place
        if part == "instances":
            raise UserError(
                f"there are no instance maps: the folder {place.folder} does not exist. Make them "
                f"with {MAKE} and the same config, or let each class be one instance: "
                "--config.model.instances=0."
            )
        raise UserError(f"the folder {place.folder} does not exist. {self._expected()}")

    def _nothing(self, parts: Iterable[str], left_alone: Sequence[LeftAlone]) -> UserError:
        folders = dict.fromkeys(self.place(part).folder for part in parts)
        return UserError(f"{nothing_in(self.split, folders, left_alone)}\n{self._expected()}")

    def _expected(self) -> str:
        return (
            f"{self.called} is expected as\n{self.expected}\n"
            "Point --config.data.root to the folder that holds these."
        )

    def _lonely(self, lonely: Lonely) -> Fault:
        present, missing = _CALLED[lonely.present], _CALLED[lonely.missing]
        mend = "Files of one name belong together: restore the missing ones, or remove these."
        if lonely.missing == "instances":
            mend = f"{MAKE} makes them."
        return Fault(
            f"{present}s without {missing}",
            f"{lonely.path} needs {self.place(lonely.missing).folder / lonely.key}.*",
            mend,
        )

    def unknown_split(self, splits: Sequence[str]) -> UserError:
        """The error for a split that the data set does not have."""
        return UserError(
            f"the split {self.split!r} is none of {self.called}: there are {', '.join(splits)}."
        )
