"""The image files below a folder, and the files that are left alone.

Nothing is dropped silently: whatever is not an example is a fault, or is left alone for a reason
that the check reports.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple, TypeVar

from fullglow_jax.data.faults import SHOWN, Fault
from fullglow_jax.data.image_kinds import image_suffixes
from fullglow_jax.data.names import canonical

HIDDEN = "hidden or a system's own"
NO_IMAGE = "not named as images are"
NO_FILE = "neither files nor folders"
CIRCLE = "links to a folder that they lie in"
SUBFOLDER = "in sub-folders, where none are expected"

_SYSTEM_NAMES = frozenset(
    (
        *("@eadir", "@recycle", "#recycle", "__macosx"),  # of network drives and of macOS
        *("$recycle.bin", "system volume information", "thumbs.db", "desktop.ini", "lost+found"),
    )
)

K = TypeVar("K")


class LeftAlone(NamedTuple):
    """A file, or a folder with all its contents, that is not read, and the reason."""

    why: str
    path: Path


class ImageFiles(NamedTuple):
    """The result of a walk through a folder.

    Attributes:
        images: All images, in the order of their paths.
        left_alone: All other files and folders.
        faults: Links that lead nowhere, and folders that cannot be read.
    """

    images: tuple[Path, ...]
    left_alone: tuple[LeftAlone, ...]
    faults: tuple[Fault, ...]


def find_images(folder: Path, *, subfolders: bool = True) -> ImageFiles:
    """The images in a folder: files with one of `image_suffixes`, in upper or lower case.

    Links to files and folders are followed. Hidden files and folders (`is_hidden`) are left alone.

    Args:
        folder: The folder.
        subfolders: Whether to look into its sub-folders too, at any depth.
    """
    walk = _Walk(subfolders)
    walk.enter(folder, (Path(os.path.realpath(folder)),))
    return ImageFiles(tuple(sorted(walk.images)), tuple(walk.left_alone), tuple(walk.faults))


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is never data.

    Names that begin with a dot are hidden: `.ipynb_checkpoints`, `.Trash-1000`, and the
    '._NAME.png' that macOS adds to copies, which is not an image. Some systems' own folders have
    other names.
    """
    return name.startswith(".") or name.lower() in _SYSTEM_NAMES


def is_image(path: Path) -> bool:
    """Whether there is a file with an image's suffix that is not hidden."""
    return not is_hidden(path.name) and path.suffix.lower() in image_suffixes() and path.is_file()


def name_below(folder: Path, path: Path) -> str:
    """An image's name: its path below the folder, without suffix, in canonical form."""
    return canonical(str(path.relative_to(folder).with_suffix("")))


def one_of_each(
    paths: Iterable[Path], name: Callable[[Path], K]
) -> tuple[dict[K, Path], list[Fault]]:
    """Images by their name. If several share a name, the first counts; the others are faults."""
    named: dict[K, Path] = {}
    faults = []
    for path in paths:
        first = named.setdefault(name(path), path)
        if first is not path:
            faults.append(
                Fault(
                    "images that differ in their suffix alone",
                    f"{path} and {first}",
                    "Keep one of each: pairs are found by names without suffix, and names that "
                    "look the same are the same, however their accents are encoded.",
                )
            )
    return named, faults


def described_left_alone(left_alone: Sequence[LeftAlone]) -> list[str]:
    """A line for each reason: the number of files that were left alone, and the first of them."""
    lines = []
    for why, those in groupby(sorted(left_alone), key=lambda each: each.why):
        paths = [each.path for each in those]
        files = sum(1 for path in paths for _ in _files(path))
        more = ", …" if len(paths) > SHOWN else ""
        lines.append(
            f"files left alone, {why}: {files} ({', '.join(map(str, paths[:SHOWN]))}{more})"
        )
    return lines


class _Walk:
    """A walk through a folder, with everything found so far."""

    def __init__(self, subfolders: bool) -> None:
        self.images: list[Path] = []
        self.left_alone: list[LeftAlone] = []
        self.faults: list[Fault] = []
        self._subfolders = subfolders
        self._suffixes = image_suffixes()

    def enter(self, folder: Path, above: tuple[Path, ...]) -> None:
        """Looks at everything in a folder.

        Args:
            folder: The folder, by the path that led to it.
            above: The resolved paths of the folders that led to it, and as the last its own.
        """
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            self._unreadable(folder, error)
            return
        for entry in entries:
            self._look_at(entry, Path(entry.path), above)

    def _look_at(self, entry: os.DirEntry[str], path: Path, above: tuple[Path, ...]) -> None:
        if is_hidden(entry.name):
            self._leave(HIDDEN, path)
            return
        try:
            entry.stat()  # follows links
        except OSError as error:
            if entry.is_symlink():
                self._leads_nowhere(path, error)
            else:
                self._unreadable(path, error)
            return
        if entry.is_dir():
            linked = entry.is_symlink()
            real = Path(os.path.realpath(path)) if linked else above[-1] / entry.name
            if not self._subfolders:
                self._leave(SUBFOLDER, path)
            elif linked and any(each.is_relative_to(real) for each in above):
                self._leave(CIRCLE, path)
            else:
                self.enter(path, (*above, real))
        elif not entry.is_file():
            self._leave(NO_FILE, path)
        elif path.suffix.lower() not in self._suffixes:
            self._leave(NO_IMAGE, path)
        else:
            self.images.append(path)

    def _leave(self, why: str, path: Path) -> None:
        self.left_alone.append(LeftAlone(why, path))

    def _unreadable(self, path: Path, error: OSError) -> None:
        self.faults.append(
            Fault(
                "files and folders that cannot be looked into",
                f"{path}: {error.strerror}",
                "Check their permissions and their disk.",
            )
        )

    def _leads_nowhere(self, link: Path, error: OSError) -> None:
        self.faults.append(
            Fault(
                "links that lead nowhere",
                f"{link} to {link.readlink()}: {error.strerror}",
                "Restore what they lead to (is its disk mounted?), or remove the links.",
            )
        )


def _files(path: Path) -> Iterator[Path]:
    """The path itself, or all files below it."""
    if path.is_symlink() or not path.is_dir():
        yield path
        return
    for folder, _, names in os.walk(path):
        yield from (Path(folder, name) for name in names)
