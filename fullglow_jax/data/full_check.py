"""A full check of a source, which finds all faults of each pair.

Training stops at a pair's first bad file; here the faults of its other files count too.
"""

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from fullglow_jax.data.checked import KIND, MEND, problem, with_progress
from fullglow_jax.data.doubts import cut_ids, frames, lost_levels, turned_alone
from fullglow_jax.data.faults import Fault
from fullglow_jax.data.file_pairs import FilePairs
from fullglow_jax.data.images import Picture
from fullglow_jax.data.pair import PairSource
from fullglow_jax.data.pixels import colour_codes
from fullglow_jax.errors import UserError


class SplitCheck(NamedTuple):
    """The result of one split's check.

    Attributes:
        split: The split's name.
        source: The source that was read.
        good: Indices of the source's good pairs.
        faults: Faults of the other pairs.
        doubts: Doubts about good pairs.
    """

    split: str
    source: PairSource
    good: tuple[int, ...]
    faults: tuple[Fault, ...]
    doubts: tuple[Fault, ...] = ()


def check_split(source: PairSource, split: str, threads: int) -> SplitCheck:
    """Reads every pair once, `threads` files at a time."""

    def check(index: int) -> tuple[list[Fault], list[Fault]]:
        if not isinstance(source, FilePairs):
            wrong = problem(source.__getitem__, index)
            return [_unusable(wrong)] if wrong else [], []
        faults = _wrong_with_files(source, index)
        return faults, [] if faults else _worth_a_look(source, index)

    found = list(with_progress(check, len(source), f"checking {split}", threads))
    good = tuple(index for index, (faults, _) in enumerate(found) if not faults)
    faults = chain(source.faults, *(faults for faults, _ in found))
    return SplitCheck(split, source, good, tuple(faults), tuple(chain(*(n for _, n in found))))


def _wrong_with_files(source: FilePairs, index: int) -> list[Fault]:
    pictures, faults = _decoded(source, index)
    files = source.pairs[index].files
    palettes = source.layout.palettes
    if not faults and source.most_instances:
        ids = source.fitting(pictures["instances"], "instances")
        faults += filter(None, [source.crowded(index, ids)])
    for part, picture in pictures.items():
        if part in palettes and (strange := _strange_colours(picture.pixels, palettes[part])):
            faults.append(
                Fault(
                    f"{part}s in other colours than this data's",
                    f"{files[part]}: {strange}",
                    "Were they saved as JPEG, or resized with interpolation? Restore the original "
                    "files: training reads these colours as they are.",
                )
            )
        if part != "boundary" and not picture.labels and (lost := lost_levels(files[part])):
            faults.append(
                Fault(
                    "16-bit images of which hardly anything is left in 8 bits",
                    f"{files[part]}: {lost}",
                    "Their high bits are empty, and it is these that are read: save them anew, as "
                    "8 bits or with values that fill the sixteen.",
                )
            )
    return list(dict.fromkeys(faults))


def _worth_a_look(source: FilePairs, index: int) -> list[Fault]:
    """Doubts about the files of a good pair."""
    pair = source.pairs[index]
    files = sorted(set(pair.files.values()))
    doubts = [
        Fault(
            "images of several frames or pages",
            f"{path}: {count}",
            "Save each as a file of its own, if the others are to be read too.",
        )
        for path in files
        if (count := frames(path))
    ]
    ids = pair.files.get("boundary") or pair.files.get("instances")
    if ids and source.layout.ids_by_class and (cut := cut_ids(ids)):
        doubts.append(
            Fault(
                "instance ids that look cut to eight bits",
                f"{ids}: {cut}",
                "Where two instances have one id left, there is no boundary between them. Restore "
                "the original 16-bit files, unless ids of eight bits are all there are.",
            )
        )
    if turned := turned_alone(files):
        doubts.append(
            Fault(
                "images that EXIF turns or mirrors, unlike their partners",
                turned,
                "Look whether they show the same pixels: maps are often drawn on the unturned "
                "ones. If so, remove the orientation (exiftool -Orientation= FILE).",
            )
        )
    return doubts


def _decoded(source: FilePairs, index: int) -> tuple[dict[str, Picture], list[Fault]]:
    """The parts that can be read, and the faults of the others and of their sizes."""
    try:
        return source.native(index), []
    except UserError as error:
        first = str(error)
    pictures: dict[str, Picture] = {}
    reasons: list[str] = []
    for part in source.parts:
        try:
            pictures |= source.layout.read(source.pairs[index], (part,))
        except UserError as error:
            reasons.append(str(error))
    if not reasons:
        return pictures, [Fault("images that do not fit their partner", first, f"{MEND}.")]
    # Parts of one file have the same reason.
    return pictures, [_unusable(reason) for reason in dict.fromkeys(reasons)]


def _unusable(reason: str) -> Fault:
    return Fault(KIND, reason, f"{MEND}.")


def _strange_colours(pixels: np.ndarray, palette: Sequence[tuple[int, int, int]]) -> str | None:
    """A sentence on the share of pixels with colours outside the palette; None if none has."""
    strange = ~np.isin(colour_codes(pixels), colour_codes(np.array(palette)))
    share = float(strange.mean())
    if not share:
        return None
    red, green, blue = pixels[strange][0].tolist()
    percent = f"{share:.1%}" if share >= 0.001 else "less than 0.1%"
    return (
        f"{percent} of its pixels have colours outside the palette, "
        f"for example ({red}, {green}, {blue})"
    )
