"""What a layout of image files must offer."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple, Protocol

from fullglow_jax.data.faults import Fault
from fullglow_jax.data.images import Picture

SUFFIXES = frozenset(
    (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".gif")
)
"""Of the files that are taken for images, in lower case."""


class Example(NamedTuple):
    """One example's name, and the file that each of its parts is read from."""

    name: str
    files: Mapping[str, Path]


class Layout(Protocol):
    """The images of one split, as parts of examples: a label map and a photo, say."""

    directions: ClassVar[Mapping[str, tuple[str, str]]]
    """By name, which part is the condition and which the target; the usual one first."""

    palettes: ClassVar[Mapping[str, Sequence[tuple[int, int, int]]]]
    """The colours of the parts that have no others."""

    def find(self, parts: Sequence[str]) -> tuple[list[Example], list[Fault]]:
        """The examples that have all these parts, in order, and what is missing from others.

        Raises:
            UserError: There is nothing at all, or not what the layout is made of.
        """

    def read(self, example: Example, parts: Sequence[str]) -> dict[str, Picture]:
        """Decodes these parts at their own size.

        Raises:
            UserError: A file is missing or bad; names it.
        """


def is_image(path: Path) -> bool:
    """Whether a path is named as an image file is, and not hidden.

    macOS leaves '._NAME.png' files, which are no images, beside what it copies.
    """
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
