"""A source of pairs whose parts are image files."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from fullglow_jax.data.faults import Fault
from fullglow_jax.data.images import Picture, fit
from fullglow_jax.data.layouts import Example, Layout
from fullglow_jax.data.options import check_boundary, check_fit, chosen_direction
from fullglow_jax.data.pair import Pair
from fullglow_jax.errors import UserError

BOUNDARY = "boundary"
"""The part that boundary maps are."""


@dataclass(frozen=True)
class FilePairs:
    """Pairs of one layout, read in one direction, at one size.

    Attributes:
        layout: Reads the files.
        condition: The part that is the condition.
        target: The part that is the target.
        boundary: Whether pairs carry boundary maps.
        image_size: (H, W) of the pairs.
        how: How images get there, one of `images.FITS`.
        examples: What there is to read.
        faults: What is wrong with examples that were left out.
    """

    layout: Layout
    condition: str
    target: str
    boundary: bool
    image_size: tuple[int, int]
    how: str
    examples: tuple[Example, ...]
    faults: tuple[Fault, ...] = ()

    def __len__(self) -> int:
        """Number of pairs."""
        return len(self.examples)

    def __getitem__(self, index: int) -> Pair:
        """Reads the pair at `index`; raises UserError where a file is bad."""
        example = self.examples[index]
        pictures = self.native(example)
        fitted = {part: fit(p, self.image_size, self.how) for part, p in pictures.items()}
        pair: Pair = {
            "condition": fitted[self.condition],
            "target": fitted[self.target],
            "name": example.name,
        }
        if self.boundary:
            pair["boundary"] = fitted[BOUNDARY]
        return pair

    @property
    def where(self) -> str:
        """See `PairSource`."""
        return f"image files, {self.condition} → {self.target}"

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts that are read."""
        wanted = (self.condition, self.target, *([BOUNDARY] if self.boundary else []))
        return tuple(dict.fromkeys(wanted))

    def native(self, example: Example) -> dict[str, Picture]:
        """An example's parts as they are on disk, all of one size.

        Raises:
            UserError: A file is bad, or another one's size differs from it.
        """
        pictures = self.layout.read(example, self.parts)
        sizes = {part: picture.pixels.shape[:2] for part, picture in pictures.items()}
        if len(set(sizes.values())) > 1:
            named = (f"{example.files[part]} is {h}×{w}" for part, (h, w) in sizes.items())
            raise UserError(
                f"images of one pair differ in size (height×width): {', '.join(named)}. "
                "They must show the same pixels: restore the original files."
            )
        return pictures


def file_states(source: FilePairs) -> Iterator[tuple[str, str, Path, tuple[int, int]]]:
    """(example, part, path, (bytes, time of change in ns)) of every file, to tell changes by.

    A file that is not there has (-1, the system's number of the error) instead.
    """
    for example in source.examples:
        for part, path in sorted(example.files.items()):
            try:
                stat = path.stat()
                state = (stat.st_size, stat.st_mtime_ns)
            except OSError as error:
                state = (-1, error.errno or 0)
            yield example.name, part, path, state


def find_pairs(
    layout: Layout,
    direction: str | None,
    image_size: tuple[int, int],
    how: str = "stretch",
    *,
    boundary: bool = False,
) -> FilePairs:
    """The pairs that a layout finds; none of their files is opened.

    Args:
        layout: Finds the files.
        direction: One of the layout's; None for the usual one.
        image_size: (H, W) of the pairs.
        how: How images get there, one of `images.FITS`.
        boundary: Whether pairs are to carry boundary maps.

    Returns:
        A source; `faults` are the examples that lack files.

    Raises:
        UserError: The layout finds nothing at all, or has no such direction or no boundaries.
    """
    directions = layout.directions
    direction = chosen_direction(direction, directions)
    check_fit(how)
    check_boundary(boundary, any(BOUNDARY in parts for parts in directions.values()))
    unfilled = FilePairs(layout, *directions[direction], boundary, image_size, how, ())
    examples, faults = layout.find(unfilled.parts)
    return replace(unfilled, examples=tuple(examples), faults=tuple(faults))
