"""Sources of pairs that are made of image files."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, cast

import numpy as np

from fullglow_jax.data.classes import class_fault
from fullglow_jax.data.doubts import turned_out_of_fit
from fullglow_jax.data.faults import Fault
from fullglow_jax.data.fitting import Fitting
from fullglow_jax.data.image_files import LeftAlone
from fullglow_jax.data.images import Picture
from fullglow_jax.data.layouts import Layout, PairFiles
from fullglow_jax.data.options import check_annotations, check_label_maps, chosen_direction
from fullglow_jax.data.pair import Pair
from fullglow_jax.data.pixels import count_ids
from fullglow_jax.errors import UserError
from fullglow_jax.models.annotations import NO_ANNOTATIONS, Annotations


@dataclass(frozen=True)
class FilePairs:
    """Pairs of one layout, read in one direction.

    Attributes:
        layout: The layout, which reads the files.
        condition: The part that is the condition.
        target: The part that is the target.
        annotations: The parts that pairs have beside these two.
        classes: Names of the classes; () if pairs have none.
        fitting: The way of their images to the pairs' size.
        pairs: The files of all pairs.
        faults: Faults of pairs that were left out.
        left_alone: Files that belong to no pair.
        most_instances: The most instances that a pair may have; 0 if they are not read.
    """

    layout: Layout
    condition: str
    target: str
    annotations: tuple[str, ...]
    fitting: Fitting
    pairs: tuple[PairFiles, ...]
    classes: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()
    left_alone: tuple[LeftAlone, ...] = ()
    most_instances: int = 0

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> Pair:
        """Reads the pair at `index`; raises UserError if a file is bad."""
        pictures = self.native(index)
        fitted = {part: self.fitting(picture, part) for part, picture in pictures.items()}
        if crowded := self.crowded(index, fitted.get("instances")):
            raise UserError(f"{crowded.case}. {crowded.mend}")
        images = {"condition": fitted[self.condition], "target": fitted[self.target]}
        annotations: dict[str, Any] = {part: fitted[part] for part in self.annotations}
        if self.classes:
            annotations["label"] = self.label(index)
        return cast(Pair, {**images, **annotations, "name": self.name(index)})

    def usable(self, index: int) -> dict[str, Picture]:
        """As `native`, of a pair that training can use.

        Raises:
            UserError: As `native`, or if it has too many instances at the pairs' size.
        """
        pictures = self.native(index)
        if self.most_instances:
            ids = self.fitting(pictures["instances"], "instances")
            if crowded := self.crowded(index, ids):
                raise UserError(f"{crowded.case}. {crowded.mend}")
        return pictures

    def crowded(self, index: int, ids: np.ndarray | None) -> Fault | None:
        """The fault of a pair with too many instances, by its ids, (H, W); None if it has none."""
        if ids is None or (count := count_ids(ids)) <= self.most_instances:
            return None
        return Fault(
            "instance maps with more instances than the model takes",
            f"{self.pairs[index].files['instances']} has {count} instances at {ids.shape[0]}×"
            f"{ids.shape[1]}, where {self.most_instances} are allowed",
            f"Allow more, --config.model.instances={count} say, or merge small ones.",
        )

    def label(self, index: int) -> int:
        """The class of the pair at `index`."""
        return self._places[self.pairs[index].label or ""]

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.classes)}

    def name(self, index: int) -> str:
        return self.pairs[index].name

    @property
    def where(self) -> str:
        return f"image files, {self.condition} → {self.target}"

    @property
    def parts(self) -> tuple[str, ...]:
        """All parts that are read, each once."""
        return tuple(dict.fromkeys((self.condition, self.target, *self.annotations)))

    def native(self, index: int) -> dict[str, Picture]:
        """A pair's parts as they are on disk, all of one size.

        Raises:
            UserError: If a file is bad or too small, or the files' sizes differ.
        """
        pair = self.pairs[index]
        pictures = self.layout.read(pair, self.parts)
        sizes = {part: picture.pixels.shape[:2] for part, picture in pictures.items()}
        if len(set(sizes.values())) > 1:
            named = (f"{pair.files[part]} is {h}×{w}" for part, (h, w) in sizes.items())
            mend = "They must show the same pixels: restore the original files."
            if turned := turned_out_of_fit(pair.files.values()):
                mend = (
                    f"{turned} is turned, as its EXIF orientation says, and would fit if it were "
                    f"not: were its partners drawn on the unturned pixels? Then remove the "
                    f"orientation (exiftool -Orientation= {turned.name}); otherwise turn them too."
                )
            raise UserError(
                f"images of one pair differ in size (height×width): {', '.join(named)}. {mend}"
            )
        for part, size in sizes.items():
            if fault := self.fitting.fault(size):
                raise UserError(f"{pair.files[part]}: {fault}")
        return pictures


def same_files(first: object, second: object) -> bool:
    """Whether two sources are the same files, as where one folder stands for two splits."""
    if isinstance(first, FilePairs) and isinstance(second, FilePairs):
        return first.pairs == second.pairs
    return False


VERSION = 2
"""Raise it whenever the same image files are read as other pixels, or are no longer read."""


def fingerprint(source: FilePairs, named: Callable[[Path], str], *versions: object) -> str:
    """A digest of the files' sizes and times of change, and of the way they are read.

    Args:
        source: The pairs of the files.
        named: How a path counts.
        versions: Versions of whatever is made of the pairs, and all else that it depends on.
    """
    limits, layout = source.fitting.limits, source.layout
    how = (*versions, VERSION, type(layout).__name__, source.parts, *limits, *layout.numbered)
    digest = hashlib.sha256(repr(how).encode())
    for pair in source.pairs:
        for part, path in sorted(pair.files.items()):
            try:
                stat = path.stat()
                state = (stat.st_size, stat.st_mtime_ns)
            except OSError as error:
                state = (-1, error.errno or 0)
            digest.update(repr((pair.name, part, named(path), state)).encode())
    return digest.hexdigest()


def find_pairs(
    layout: Layout,
    direction: str | None,
    fitting: Fitting,
    annotations: Annotations = NO_ANNOTATIONS,
    classes: tuple[str, ...] = (),
) -> FilePairs:
    """The pairs that a layout finds; no image is opened.

    Args:
        layout: The layout, which finds the files.
        direction: One of the layout's directions; None for its first.
        fitting: The way of their images to the pairs' size.
        annotations: Annotations that pairs must have.
        classes: Names of the classes; () for pairs without.

    Returns:
        A source; its `faults` are the pairs that lack files or a class.

    Raises:
        UserError: If the layout finds nothing at all, or has no such direction, annotation or
            part.
    """
    direction = chosen_direction(direction, layout.directions)
    check_annotations(annotations, (*layout.annotations, *(["label"] if layout.labels else ())))
    parts = layout.directions[direction]
    check_label_maps(fitting.label_maps, chain(*layout.directions.values()))
    unfilled = FilePairs(
        layout, *parts, annotations.maps, fitting, (), most_instances=int(annotations.instances)
    )
    found = layout.find(unfilled.parts)
    pairs, faults = list(found.pairs), list(found.faults)
    classes = classes if layout.labels else ()
    if classes:
        wrong = [class_fault(str(pair.files[parts[1]]), pair.label, classes) for pair in pairs]
        pairs = [pair for pair, fault in zip(pairs, wrong, strict=True) if not fault]
        faults += filter(None, wrong)
    return replace(
        unfilled,
        pairs=tuple(pairs),
        faults=tuple(faults),
        left_alone=tuple(found.left_alone),
        classes=classes,
    )
