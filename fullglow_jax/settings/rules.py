"""Rules for values of the config and of flags: their text, type and range."""

import ast
import difflib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from fullglow_jax.errors import UserError
from fullglow_jax.files.paths import user_path

LARGEST = 2**31 - 1
"""The largest integer, of 32 bits."""

SMALLEST_FLOAT, LARGEST_FLOAT = 1e-37, 3e38
"""About the smallest and largest positive numbers of 32 bits."""

YES, NO = ("true", "yes", "on", "t", "y", "1"), ("false", "no", "off", "f", "n", "0")


@dataclass(frozen=True)
class Rule:
    """The possible values, and their form as text.

    Attributes:
        expected: The possible values, in words that follow "must be".
        read: Turns a text into a value; raises ValueError if it cannot.
        holds: Whether a value, of any type, is possible.
        choices: All possible values, if they are names.
        alone: The text for a flag without a value; None if it must have one.
    """

    expected: str
    read: Callable[[str], Any]
    holds: Callable[[Any], bool]
    choices: tuple[str, ...] = ()
    alone: str | None = None

    def check(self, value: Any, name: str) -> None:
        """Checks that the value is possible.

        Raises:
            UserError: If it is not.
        """
        if not self.holds(value):
            raise UserError(f"{name}={value!r} {self.remedy(value)}")

    def parse(self, text: str, name: str) -> Any:
        """The value of a text.

        Raises:
            UserError: If the text has no possible value.
        """
        if not self.takes(text):
            raise UserError(f"{name}={text} {self.remedy(text)}")
        return self.read(text)

    def takes(self, text: str) -> bool:
        """Whether a text has a possible value."""
        try:
            return self.holds(self.read(text))
        except (TypeError, ValueError, SyntaxError, MemoryError, RecursionError):
            return False

    def remedy(self, value: Any) -> str:
        """The end of the message for a value that is not possible."""
        if not self.choices:
            return f"must be {self.expected}."
        near = difflib.get_close_matches(str(value), self.choices, n=1)
        return f"is not {self.expected}" + (f"; did you mean {near[0]!r}?" if near else ".")


def integer(least: int = 1, most: int = LARGEST) -> Rule:
    """An integer in a range, both ends included."""
    return Rule(f"an integer from {least} to {most}", int, _is_integer(least, most))


def seed() -> Rule:
    """A random seed; JAX would silently map larger ones to these."""
    return integer(0, 2**32 - 1)


def number(*, above: bool = False, below: float | None = None) -> Rule:
    """A finite number of 0 or more, or `above` 0, and below a limit, if there is one."""
    expected = "above 0" if above else "of 0 or more"
    if below is not None:
        expected += f" and below {below:g}"

    def holds(value: Any) -> bool:
        is_number = isinstance(value, Real) and not isinstance(value, bool)
        # NaN is in no range.
        return is_number and (
            value >= (SMALLEST_FLOAT if above else 0)
            and (value <= LARGEST_FLOAT if below is None else value < below)
        )

    return Rule(f"a finite number (float) {expected}", float, holds)


def truth() -> Rule:
    """Yes or no."""

    def read(text: str) -> bool:
        word = text.lower()
        if word not in YES + NO:
            raise ValueError
        return word in YES

    return Rule("true or false", read, lambda value: isinstance(value, bool), alone="true")


def text(*, may_be_empty: bool = False) -> Rule:
    """Any text."""
    if may_be_empty:
        return Rule("a text", str, lambda value: isinstance(value, str))
    return Rule("a text, and not empty", str, _is_text)


def name_of_split() -> Rule:
    """A split: the name of a folder, or TFDS' notation."""

    def holds(value: Any) -> bool:
        return (
            _is_text(value)
            and not {"/", "\\", "\0"}.intersection(value)
            and value.strip() not in (".", "..")
        )

    return Rule("the name of a split, such as train or val", str, holds)


def checkpoint() -> Rule:
    """A checkpoint: "latest", "best" or a step."""

    def holds(value: Any) -> bool:
        return value in ("latest", "best") or (value.isascii() and value.isdigit())

    return Rule("latest, best or the number of a step", str, holds)


def choice(names: Iterable[str]) -> Rule:
    """One of some names."""
    there = tuple(names)
    named = ", ".join(name or "'' (none)" for name in there)
    return Rule(f"one of {named}", str, lambda value: value in there, there)


def integers(example: tuple[int, ...], *, count: int | None = None) -> Rule:
    """Integers from 1 on, separated by commas.

    Args:
        example: An example for messages.
        count: The number of integers; at least one, if not given.
    """
    many = "one or more integers" if count is None else f"{count} integers"
    expected = f"{many}, each 1 or more, for example {','.join(map(str, example))}"
    return Rule(expected, _literals, _is_sequence(_is_integer(1, LARGEST), count))


def numbers(example: tuple[float, ...]) -> Rule:
    """Finite numbers of 0 or more, separated by commas."""
    each = number()
    expected = (
        f"numbers of 0 or more with commas between, for example {','.join(map(str, example))}"
    )
    return Rule(expected, _literals, _is_sequence(each.holds))


def different_folders(example: tuple[str, ...]) -> Rule:
    """Names of different folders, separated by commas, as many as the example has."""
    count = len(example)

    def read(text: str) -> tuple[Any, ...]:
        return _literals(text) if text.startswith(("(", "[", "'", '"')) else _words(text)

    sequence = _is_sequence(_is_text, count)
    expected = f"{count} different names, for example {','.join(example)}"

    def holds(value: Any) -> bool:
        return sequence(value) and len(set(map(os.path.normpath, value))) == count

    return Rule(expected, read, holds)


def texts() -> Rule:
    """One or more texts, separated by commas, none of them empty."""
    expected = "one name or more with commas between, and none of them empty"
    return Rule(expected, _words, _is_sequence(_is_text))


def path() -> Rule:
    """A path with `~` expanded."""

    def read(text: str) -> Path:
        if not text:
            raise ValueError
        return user_path(text)

    return Rule("a path, and not empty", read, lambda value: isinstance(value, Path))


def optional(rule: Rule) -> Rule:
    """A rule's values, or None."""

    def read(text: str) -> Any:
        return None if text.lower() == "none" else rule.read(text)

    def holds(value: Any) -> bool:
        return value is None or rule.holds(value)

    return replace(rule, expected=f"{rule.expected}, or none", read=read, holds=holds)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(","))


def _literals(text: str) -> tuple[Any, ...]:
    value = ast.literal_eval(text.strip())
    return tuple(value) if isinstance(value, tuple | list) else (value,)


def _is_integer(least: int, most: int) -> Callable[[Any], bool]:
    return lambda value: (
        isinstance(value, Integral) and not isinstance(value, bool) and least <= int(value) <= most
    )


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_sequence(each: Callable[[Any], bool], count: int | None = None) -> Callable[[Any], bool]:
    def holds(value: Any) -> bool:
        return (
            isinstance(value, tuple | list)
            and (len(value) > 0 if count is None else len(value) == count)
            and all(map(each, value))
        )

    return holds
