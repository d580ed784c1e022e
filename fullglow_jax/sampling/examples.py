"""Pairs chosen one by one: of a split, by name or number, or from image files."""

import difflib
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from ml_collections import ConfigDict

from fullglow_jax.data.names import canonical
from fullglow_jax.data.pair import Pair, PairSource
from fullglow_jax.data.pipeline import collate
from fullglow_jax.data.source import build_source
from fullglow_jax.errors import UserError
from fullglow_jax.files.paths import user_path
from fullglow_jax.models.batch import Batch
from fullglow_jax.models.shapes import Shapes
from fullglow_jax.readings import Reading, readings
from fullglow_jax.sampling.conditions import pair_of_files

FILES = "CONDITION.png[,TARGET.png[,BOUNDARY.png or INSTANCES.png]]"

MOST_DIGITS = 18
"""Digits of the largest number that is tried as a pair's."""


class Example(NamedTuple):
    """A pair; its target is black where `has_target` is False."""

    pair: Pair
    has_target: bool = True

    @property
    def name(self) -> str:
        """The pair's name in the data, or its file."""
        return self.pair["name"]

    def under(self, label: int, name: str) -> "Example":
        """The pair as one of a class, with another name."""
        return Example({**self.pair, "label": label, "name": name}, self.has_target)


class Examples:
    """Finds pairs for a model: in a split, by names and numbers, or in files.

    Args:
        config: The config that names the data.
        split: The split.
        shapes: The shapes of the model's images.
        reads_conditions: Whether the model does; if not, a file alone is the image.
        label: The class of all pairs, for models that read one; their own if not given.
    """

    def __init__(
        self,
        config: ConfigDict,
        split: str,
        shapes: Shapes,
        *,
        reads_conditions: bool = True,
        label: int | None = None,
    ) -> None:
        self._config, self._split, self._shapes = config, split, shapes
        self._reads_conditions, self._label = reads_conditions, label

    def first(self, count: int) -> list[Example]:
        """The first pairs of the split; fewer, if it has no more."""
        return [self.at(i) for i in range(min(count, len(self._source)))]

    def at(self, place: int) -> Example:
        """A pair of the split by its index."""
        example = Example(self._source[place])
        return example if self._label is None else example.under(self._label, example.name)

    def neighbours(self, count: int) -> list[tuple[Example, Example]]:
        """Each of the split's first pairs with the next one; the last one's next is the first."""
        length = len(self._source)
        ends = self.first(min(count, length) + 1)
        return [(ends[i], ends[(i + 1) % len(ends)]) for i in range(min(count, length))]

    def find(self, text: str, flag: str = "--pair") -> Example:
        """The pair for a text: the pair of this name, or else of this number, or else from files.

        Args:
            text: The name of a pair in the split, its number counted from 0 in the split's order,
                or image files, `FILES`. Names and files may have commas in them.
            flag: The flag that has the text, for messages.

        Raises:
            UserError: If there is no such pair, or a file cannot be read.
        """
        place = self._place(text)
        if place is not None:
            return self.at(place)
        ways = self._files(text)
        if len(ways) > 1:
            named = f"{flag} {text}"
            raise _ambiguous(named, ",", ways, "Name the files by paths without commas.")
        if not ways:
            raise self._unknown(text, flag)
        return self._from_files(f"{flag} {text}", ways[0])

    def couple(self, text: str) -> tuple[Example, Example]:
        """Two pairs, as in `find`, with a colon between; names may have colons in them.

        Raises:
            UserError: As `find`, or if the text has no reading as two pairs, or several.
        """
        ways = [way for way in readings(text, ":", self.known, most=2) if len(way) == 2]
        if len(ways) > 1:
            raise _ambiguous(f"--pair {text}", ":", ways, "Name a pair by its number in the split.")
        first, second = ways[0] if ways else self._most_likely(text)
        return self.find(first), self.find(second)

    def batch(self, examples: Sequence[Example]) -> Batch:
        """Examples as one batch for the model."""
        pairs = [example.pair for example in examples]
        return collate(pairs, self._shapes.annotations).batch

    @cached_property
    def _source(self) -> PairSource:
        return build_source(self._config.data, self._split, self._shapes.annotations)

    @cached_property
    def names(self) -> list[str]:
        """The names of all pairs of the split, in its order."""
        return [self._source.name(place) for place in range(len(self._source))]

    @cached_property
    def _places(self) -> dict[str, int]:
        """Indices by name, as stored and in canonical form; empty if there is no data."""
        try:
            named = list(enumerate(self.names))
        except UserError:  # files can be read without data
            return {}
        return {canonical(name): place for place, name in named} | {n: place for place, n in named}

    def _place(self, text: str) -> int | None:
        """The index of the pair of this name, or else of this number; None if there is neither."""
        for name in (text, canonical(text)):
            if name in self._places:
                return self._places[name]
        number = _number(text)
        there = number is not None and self._places and number < len(self._source)
        return number if there else None

    def known(self, text: str) -> bool:
        """Whether `find` would find a pair for a text, or files."""
        return self._place(text) is not None or bool(self._files(text))

    def _files(self, text: str) -> list[Reading]:
        """Ways to read a text as existing files; TARGET may be empty."""
        ways = readings(text, ",", lambda part: not part or _is_file(part), most=3)
        return [way for way in ways if way[0]]

    def _most_likely(self, text: str) -> tuple[str, str]:
        """The best split of a text that is not two pairs: at a colon with a pair beside it."""
        pieces = text.split(":")
        ways = [(":".join(pieces[:n]), ":".join(pieces[n:])) for n in range(1, len(pieces))]
        ways = [way for way in ways if all(way)]
        if not ways or self.known(text):
            raise UserError(
                f"--pair {text}: expected two with a colon between, CONTENT:STRUCTURE, each a "
                f"pair's name in the split, its number, or files: {FILES}."
            )
        return next((way for way in ways if any(map(self.known, way))), ways[0])

    def _unknown(self, text: str, flag: str) -> UserError:
        """The error for a text that is neither name nor number nor files."""
        missing = next((part for part in text.split(",") if part and not _is_file(part)), text)
        try:
            near = difflib.get_close_matches(text, self.names, n=1, cutoff=0) or [""]
        except UserError as error:
            return UserError(f"{flag} {text}: there is no file {missing}, and no data: {error}")
        if _number(text) is not None:
            return UserError(
                f"{flag} {text}: the split {self._split!r} has {len(self._source)} pairs, "
                "counted from 0, and none of this name."
            )
        return UserError(
            f"{flag} {text}: there is no file {missing}, and no pair of this name in the split "
            f"{self._split!r}; did you mean {near[0]!r}? Expected a pair's name, its number "
            f"counted from 0, or files: {FILES}."
        )

    def _from_files(self, named: str, files: Reading) -> Example:
        with_map, most = self._shapes.boundary, self._shapes.annotations.instances
        wanted = 3 if with_map or most else 2
        if len(files) > wanted or (with_map and (len(files) < 3 or not files[2])):
            raise UserError(
                f"{named}: expected files {FILES}, with a boundary map only and always for "
                f"models that read them (this one has config.data.boundary="
                f"{self._config.data.boundary!r}), with an instance map only for models that read "
                f"{'them, as this one' if most else 'them, and this one does not'}; TARGET may be "
                "empty where none is needed."
            )
        condition, target, third = (user_path(f) if f else None for f in (*files, "", "")[:3])
        assert condition is not None
        if not self._reads_conditions:
            target = target or condition
        if self._shapes.annotations.label and self._label is None:
            raise UserError(
                f"{named}: files have no class, and this model reads one. Choose a pair of "
                "the split, or name the class with --label (but for --mode transfer)."
            )
        pair = pair_of_files(
            self._config,
            condition,
            target,
            third if with_map else None,
            self._label,
            instances=None if with_map else third,
            most_instances=most,
        )
        return Example(pair, target is not None)


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) <= MOST_DIGITS else None


def _is_file(text: str) -> bool:
    try:
        return user_path(text).is_file()
    except (OSError, ValueError, UserError):  # for example, too long for a file's name
        return False


def _ambiguous(named: str, separator: str, ways: Sequence[Reading], mend: str) -> UserError:
    told = " or ".join(f" {separator} ".join(map(repr, way)) for way in ways)
    return UserError(f"{named} may mean {told}. {mend}")
