"""All that is wrong with a source's files, where training only wants to know whether anything is.

What ends a pair for training, its first bad file, must not hide what is wrong with the others.
"""

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from fullglow_jax.data.faults import Fault
from fullglow_jax.data.file_pairs import FilePairs
from fullglow_jax.data.images import Picture
from fullglow_jax.data.layouts import Example
from fullglow_jax.data.pair import PairSource
from fullglow_jax.data.verification import KIND, MEND, with_progress
from fullglow_jax.errors import UserError


class Examination(NamedTuple):
    """What was found in one split.

    Attributes:
        split: Its name.
        source: The source that was read.
        good: Indices of the source's good pairs.
        faults: What is wrong with the rest.
    """

    split: str
    source: PairSource
    good: tuple[int, ...]
    faults: tuple[Fault, ...]


def examine(source: PairSource, split: str, threads: int) -> Examination:
    """Reads every pair once.

    Args:
        source: What to read.
        split: Its name.
        threads: How many files to decode at a time.

    Returns:
        What was found.
    """

    def wrong(index: int) -> list[Fault]:
        if isinstance(source, FilePairs):
            return _wrong_with_files(source, source.examples[index])
        return _wrong_with_pair(source, index)

    found = list(with_progress(wrong, len(source), f"checking {split}", threads))
    good = tuple(index for index, faults in enumerate(found) if not faults)
    return Examination(split, source, good, (*source.faults, *chain.from_iterable(found)))


def _wrong_with_pair(source: PairSource, index: int) -> list[Fault]:
    try:
        source[index]
    except UserError as error:
        return [_unusable(str(error))]
    return []


def _wrong_with_files(source: FilePairs, example: Example) -> list[Fault]:
    pictures, faults = _decoded(source, example)
    palettes = source.layout.palettes
    for part, picture in pictures.items():
        if part in palettes and (strange := _strange_colours(picture.pixels, palettes[part])):
            faults.append(
                Fault(
                    f"{part}s in other colours than this data's",
                    f"{example.files[part]}: {strange}",
                    "Were they saved as JPEG, or resized with interpolation? Restore the original "
                    "files: training reads these colours as they are.",
                )
            )
    return faults


def _decoded(source: FilePairs, example: Example) -> tuple[dict[str, Picture], list[Fault]]:
    """The parts that can be read, and what is wrong with the others or between them."""
    try:
        return source.native(example), []
    except UserError as error:
        first = str(error)
    pictures: dict[str, Picture] = {}
    reasons: list[str] = []
    for part in source.parts:
        try:
            pictures |= source.layout.read(example, (part,))
        except UserError as error:
            reasons.append(str(error))
    if not reasons:
        return pictures, [Fault("images that do not fit their partner", first, f"{MEND}.")]
    # Parts of one file have the same to say.
    return pictures, [_unusable(reason) for reason in dict.fromkeys(reasons)]


def _unusable(reason: str) -> Fault:
    return Fault(KIND, reason, f"{MEND}.")


def _strange_colours(pixels: np.ndarray, palette: Sequence[tuple[int, int, int]]) -> str | None:
    """What share of the pixels has colours outside the palette, where any has."""
    strange = ~np.isin(_codes(pixels), _codes(np.array(palette)))
    share = float(strange.mean())
    if not share:
        return None
    red, green, blue = pixels[strange][0].tolist()
    percent = f"{share:.1%}" if share >= 0.001 else "less than 0.1%"
    return (
        f"{percent} of its pixels have colours outside the palette, "
        f"for example ({red}, {green}, {blue})"
    )


def _codes(colours: np.ndarray) -> np.ndarray:
    """One number for each colour (…, 3)."""
    red, green, blue = np.moveaxis(colours.astype(np.uint32), -1, 0)
    return red << 16 | green << 8 | blue
