"""Names of files that belong to a data set's pairs."""

import unicodedata
from pathlib import PurePosixPath

from fullglow_jax.data.names import canonical

LONGEST = 251
"""Bytes of a file's or folder's name, without an ending of four such as .png: file systems take
255."""

LONGEST_STEM = 200
"""Bytes of the common part of a row's file names, which leaves room for their different ends."""

NAMELESS = "unnamed"


class FileNames:
    """File names for pairs; call it in the data set's order.

    Folders of the data set are kept, but paths cannot leave the output folder. All names differ,
    even if upper and lower case count as equal: a name that is taken gets a number. No name is
    hidden, or too long for a file system.
    """

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._numbers: dict[str, int] = {}

    def __call__(self, name: str) -> str:
        """The next pair's file name, without an ending."""
        parts = [part for part in PurePosixPath(readable(name)).parts if part not in ("/", "..")]
        visible = (f"_{part}" if part.startswith(".") else part for part in parts)
        file = "/".join(cut(part, LONGEST) for part in visible) or NAMELESS
        number, numbered = self._numbers.get(_compared(file), 1), file
        while _compared(numbered) in self._taken:
            number += 1
            numbered = _with_ending(file, f"__{number}")
        self._numbers[_compared(file)] = number
        self._taken.add(_compared(numbered))
        return numbered


def file_stem(place: int, *parts: str) -> str:
    """The common part of a row's file names: its number and its parts, joined by "__".

    Parts may have the folders of a data set in them. If they are too long together, the longest
    are cut; the number is different for each row.
    """
    names = list(map(file_part, parts))
    most = LONGEST_STEM
    while sum(min(len(name.encode()), most) for name in names) > LONGEST_STEM:
        most -= 1
    return f"{place:03d}_" + "__".join(cut(name, most) for name in names)


def file_part(name: str) -> str:
    """A name as part of a file's, without folders and not too long."""
    return cut(readable(name).replace("/", "_"), LONGEST_STEM)


def readable(name: str) -> str:
    """A name in canonical form that can be printed anywhere.

    Bytes that are not text, and control characters, are replaced.
    """
    text = name.encode(errors="surrogateescape").decode(errors="replace")
    printed = ("_" if unicodedata.category(letter) == "Cc" else letter for letter in text)
    return canonical("".join(printed))


def cut(text: str, most: int) -> str:
    """The start of a text, as many whole characters as fit into `most` bytes."""
    return text.encode()[:most].decode(errors="ignore")


def _with_ending(file: str, ending: str) -> str:
    *folders, name = file.split("/")
    return "/".join([*folders, cut(name, LONGEST - len(ending)) + ending])


def _compared(file: str) -> str:
    """A key that is equal for names that some file system takes for equal."""
    return canonical(file.casefold())
