"""Pairs that are asked for one by one: of a split, by name or number, or image files."""

import difflib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict

from fullglow_jax.data.file_pairs import FilePairs
from fullglow_jax.data.pair import Pair, PairSource
from fullglow_jax.data.pipeline import collate
from fullglow_jax.data.source import build_source
from fullglow_jax.errors import UserError
from fullglow_jax.models.interface import Batch
from fullglow_jax.models.pair_shapes import PairShapes
from fullglow_jax.sampling.conditions import fitted

FILES = "CONDITION.png[,TARGET.png[,BOUNDARY.png]]"


class Example(NamedTuple):
    """A pair; its target is black where `has_target` is False."""

    pair: Pair
    has_target: bool = True

    @property
    def name(self) -> str:
        """What the data calls it, or its file."""
        return self.pair["name"]


class Examples:
    """Finds pairs for a model.

    Args:
        config: Where the data is, and how images are resized.
        split: The split that names and numbers mean.
        architecture: What the model reads.
    """

    def __init__(self, config: ConfigDict, split: str, architecture: PairShapes) -> None:
        self._config = config
        self._split = split
        self._architecture = architecture

    def first(self, count: int) -> list[Example]:
        """The first pairs of the split; fewer, where it has no more."""
        return [self.at(i) for i in range(min(count, len(self._source)))]

    def at(self, place: int) -> Example:
        """A pair of the split by its place, counted from 0."""
        return Example(self._source[place])

    def neighbours(self, count: int) -> list[tuple[Example, Example]]:
        """Each of the split's first pairs with the one after it; after the last the first."""
        length = len(self._source)
        ends = self.first(min(count, length) + 1)
        return [(ends[i], ends[(i + 1) % len(ends)]) for i in range(min(count, length))]

    def find(self, text: str) -> Example:
        """The pair that a user means.

        Args:
            text: The name of a pair in the split, its number counted from 0, or image files,
                `FILES`.

        Raises:
            UserError: There is no such pair, or a file cannot be read.
        """
        if "," in text or Path(text).is_file():
            return self._from_files(text)
        if text.isdecimal():
            if int(text) >= len(self._source):
                raise UserError(
                    f"--pair {text}: the split {self._split!r} has {len(self._source)} pairs, "
                    "counted from 0."
                )
            return self.at(int(text))
        if text not in self.names:
            near = difflib.get_close_matches(text, self.names, n=1, cutoff=0) or [""]
            raise UserError(
                f"--pair {text}: there is no such file, and no pair of this name in the split "
                f"{self._split!r}; did you mean {near[0]!r}? Expected a pair's name, its number "
                f"counted from 0, or files: {FILES}."
            )
        return self.at(self.names.index(text))

    def couple(self, text: str) -> tuple[Example, Example]:
        """Two pairs, as `find` takes them, with a colon between.

        Raises:
            UserError: As `find`, or where there is no colon.
        """
        first, colon, second = text.partition(":")
        if not colon or not first or not second:
            raise UserError(
                f"--pair {text}: expected two with a colon between, CONTENT:STRUCTURE, each a "
                f"pair's name in the split, its number, or files: {FILES}."
            )
        return self.find(first), self.find(second)

    def batch(self, examples: Sequence[Example]) -> Batch:
        """They as the model takes them."""
        host = collate([example.pair for example in examples], self._architecture.boundary_spec)
        return Batch(host["condition"], host["target"], host["boundary"])

    @cached_property
    def _source(self) -> PairSource:
        boundary = self._architecture.boundary
        return build_source(self._config.data, self._split, boundary=boundary)

    @cached_property
    def names(self) -> list[str]:
        """Of all pairs of the split."""
        source = self._source
        if isinstance(source, FilePairs):
            return [example.name for example in source.examples]
        return [source[i]["name"] for i in range(len(source))]

    def _from_files(self, text: str) -> Example:
        files = text.split(",")
        wanted = 3 if self._architecture.boundary else 2
        if (
            len(files) > wanted
            or not files[0]
            or (wanted == 3 and (len(files) < 3 or not files[2]))
        ):
            raise UserError(
                f"--pair {text}: expected files {FILES}, with a boundary map only and always for "
                f"models that read them (this one has config.model.condition="
                f"{self._config.model.condition!r}); TARGET may be empty where none is needed."
            )
        condition, target, boundary = (Path(f) if f else None for f in (*files, "", "")[:3])
        assert condition is not None
        image = fitted(condition, self._config)
        pair: Pair = {
            "condition": image,
            "target": fitted(target, self._config) if target else np.zeros_like(image),
            "name": (target or condition).stem,
        }
        if boundary:
            pair["boundary"] = fitted(boundary, self._config)
        return Example(pair, target is not None)
