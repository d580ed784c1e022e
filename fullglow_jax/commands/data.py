"""Looks after a data set.

fullglow-data check       reads every file of it, and reports everything that is wrong
fullglow-data prepare     resizes all pairs once, for faster training
fullglow-data instances   makes instance maps, of label ids say

fullglow-data check --help and so on list their flags.
"""

import difflib
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from fullglow_jax import cli
from fullglow_jax.errors import UserError

PARTS = ("check", "prepare", "instances")
"""Each a command by itself."""


def main(argv: Sequence[str]) -> int | None:
    """Hands the words after the first to the command that it names."""
    name, *words = argv or [""]
    if name in cli.HELP:
        print((__doc__ or "").strip())
        return 0
    if name not in PARTS:
        near = difflib.get_close_matches(name, PARTS, n=1, cutoff=0)[0]
        raise UserError(
            f"fullglow-data {name}: there is no such command; did you mean {near!r}? There are: "
            f"{', '.join(PARTS)}."
            if name
            else "say what to do: fullglow-data check, … prepare, or … instances."
        )
    code: int | None = import_module(f"fullglow_jax.commands.{name}").main(words)
    return code


def run() -> NoReturn:
    """Starts the command."""
    cli.run(main)
