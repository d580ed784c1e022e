"""The interface of layouts of image files."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple

from fullglow_jax.data.faults import Fault
from fullglow_jax.data.image_files import ImageFiles, LeftAlone, described_left_alone, find_images
from fullglow_jax.data.images import Picture, read_rgb
from fullglow_jax.errors import UserError
from fullglow_jax.files.paths import user_path


class PairFiles(NamedTuple):
    """A pair's name, the file of each of its parts, and the name of its class, if it has one."""

    name: str
    files: Mapping[str, Path]
    label: str | None = None


class Found(NamedTuple):
    """The files of one split.

    Attributes:
        pairs: The complete pairs, in order.
        faults: Faults of other pairs, for example missing files.
        left_alone: Files that belong to no pair.
    """

    pairs: Sequence[PairFiles]
    faults: Sequence[Fault]
    left_alone: Sequence[LeftAlone]


class Layout(ABC):
    """The images of one split as parts of pairs, for example a label map and a photo.

    Args:
        root: The folder that holds the data.
        split: The split's name, for example 'train' or 'val'.
    """

    directions: ClassVar[Mapping[str, tuple[str, str]]]
    """(condition, target), as names of parts, by direction; the default comes first."""

    options: ClassVar[Sequence[str]] = ()
    """Keys of `config.data` whose values the layout takes, in order."""

    annotations: Sequence[str] = ()
    """The parts that may be read beside condition and target."""

    palettes: Mapping[str, Sequence[tuple[int, int, int]]] = {}
    """The possible colours of parts that have only these."""

    ids_by_class: ClassVar[bool] = False
    """Whether an instance's id is its label's, or 1000 times that plus a number, as Cityscapes has
    them."""

    numbered: tuple[str, ...] = ()
    """The parts whose files are label ids, and which have the colours of these numbers."""

    labels: str = ""
    """Where pairs get their classes from; empty if they have none."""

    def __init__(self, root: Path | str, split: str) -> None:
        self.root = user_path(root)
        self.split = split
        self.folder = self.root / split

    @abstractmethod
    def find(self, parts: Sequence[str]) -> Found:
        """The pairs that have all these parts.

        Raises:
            UserError: If there is nothing at all, or not the folders that the layout needs.
        """

    def read(self, pair: PairFiles, parts: Sequence[str]) -> dict[str, Picture]:
        """Decodes these parts at their own size.

        Raises:
            UserError: If a file is missing or bad; names it.
        """
        return {part: Picture(read_rgb(pair.files[part])) for part in parts}

    def images_of_split(self, expected: str, *, subfolders: bool) -> ImageFiles:
        """The images in the folder ROOT/SPLIT.

        Args:
            expected: The expected files, for the error if there is no such folder.
            subfolders: Whether images may be in its sub-folders.

        Raises:
            UserError: If there is no such folder, or no image in it.
        """
        if not self.folder.is_dir():
            raise UserError(
                f"the data folder {self.root} has no folder {self.split!r} in it; expected "
                f"{self.folder}/NAME.jpg (or .png …), {expected}. Point --config.data.root to the "
                "folder that holds train and val."
            )
        found = find_images(self.folder, subfolders=subfolders)
        if not found.images and not found.faults:
            raise nothing_in(self.split, [self.folder], found.left_alone)
        return found


def nothing_in(split: str, folders: Iterable[Path], left_alone: Sequence[LeftAlone]) -> UserError:
    """The error for a split's folders without images, which names their other files."""
    there = " or ".join(map(str, folders))
    empty = f"the split {split!r} is empty: there is no image in {there}."
    return UserError("\n".join([empty, *described_left_alone(left_alone)]))
