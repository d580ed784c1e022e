"""The variants of a study: their names, and their values of the config's keys."""

import shlex
from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

from fullglow_jax.config.keys import keys, unknown_key
from fullglow_jax.errors import UserError
from fullglow_jax.readings import readings
from fullglow_jax.sampling.file_names import file_part

PREFIX = "config."
"""What may stand before a key, as in other flags."""


class Variant(NamedTuple):
    """A variant.

    Attributes:
        name: Its name, which is that of its workdir too.
        overrides: Texts of values by key.
    """

    name: str
    overrides: dict[str, str]


def variants_of(vary: Sequence[str], variant: Sequence[str], family: str) -> list[Variant]:
    """The variants that flags describe, in the order of the flags.

    Args:
        vary: Texts "KEY=VALUE,VALUE". All combinations of their values are variants.
        variant: Texts "NAME: KEY=VALUE KEY=VALUE", each of which is one more.
        family: `config.model.name`.

    Raises:
        UserError: If a text is no such one, a key is unknown, a value is not possible, or there are
            no two variants, or two of one name.
    """
    varied = [_values(text, family) for text in vary]
    found = [_combined(chosen) for chosen in product(*varied)] if varied else []
    found += [_named(text, family) for text in variant]
    if len(found) < 2:
        raise UserError(
            "there is nothing to compare: give two variants or more, as in --vary "
            "config.train.batch_size=1,4, or in --variant 'slow: optimizer.learning_rate=1e-5' "
            "--variant 'as it is:'."
        )
    names = [each.name for each in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UserError(f"there are two variants named {twice[0]!r}: give each its own name.")
    return found


def _combined(chosen: Sequence[tuple[str, str]]) -> Variant:
    """The variant of some keys' values."""
    name = ",".join(f"{key.rpartition('.')[2]}={text}" for key, text in chosen)
    return Variant(file_part(name), dict(chosen))


def _values(text: str, family: str) -> list[tuple[str, str]]:
    """(key, value) for each value of "KEY=VALUE,VALUE"; values may have commas in them."""
    key, values = _key(text, f"--vary {text}", family)
    rule = keys(family)[key].rule
    ways = readings(values, ",", rule.takes)
    if not ways:
        for value in values.split(","):
            rule.parse(value, f"--vary {key}")
        raise UserError(f"--vary {text}: each value must be {rule.expected}.")
    return [(key, value) for value in max(ways, key=len)]


def _named(text: str, family: str) -> Variant:
    """The variant of "NAME: KEY=VALUE KEY=VALUE"."""
    name, colon, rest = text.partition(":")
    flag = f"--variant {text!r}"
    if not colon or not name.strip():
        raise UserError(f"{flag}: expected a name, a colon, and KEY=VALUE for each other value.")
    try:
        words = shlex.split(rest)
    except ValueError as error:
        raise UserError(f"{flag}: {error}.") from error
    overrides = dict(_key(word, flag, family) for word in words)
    return Variant(file_part(name.strip()), overrides)


def _key(text: str, flag: str, family: str) -> tuple[str, str]:
    """(key, value) of "KEY=VALUE"."""
    key, sign, value = text.removeprefix("--").removeprefix(PREFIX).partition("=")
    if not sign:
        raise UserError(f"{flag}: {text!r} is not KEY=VALUE.")
    # Another family, which a variant may name, has other keys.
    if key not in keys():
        raise unknown_key(key, flag, family)
    return key, value
