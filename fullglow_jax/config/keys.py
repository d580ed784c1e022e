"""The keys of configs, by names with their sections, and errors about them."""

import difflib
from typing import Any

from ml_collections import ConfigDict

from fullglow_jax.config.migrations import renamed
from fullglow_jax.config.sections import Common
from fullglow_jax.errors import UserError
from fullglow_jax.model_registry import FAMILIES, family_of
from fullglow_jax.settings.rules import choice
from fullglow_jax.settings.section import Change, Key, keys_of


def keys(family: str | None = None) -> dict[str, Key]:
    """All keys of a family's config.

    Args:
        family: Its name; None for all families. A key in two families has the same rule in both,
            except for the names of its choices.

    Raises:
        UserError: If there is no such family.
    """
    found = keys_of(Common) | {"model.name": Key(choice(FAMILIES), Change.REFUSED)}
    for each in FAMILIES if family is None else (family,):
        found |= keys_of(family_of(each).settings, "model.")
    return found


def check_config(config: ConfigDict) -> None:
    """Checks that a config has exactly the known keys, and that each value is possible by itself.

    Raises:
        UserError: If not; names the key and its possible values.
    """
    values = flat(config)
    if "model.name" not in values:
        raise _missing("model.name")
    family = values["model.name"]
    known = keys(family)
    for name in values:
        if name not in known:
            raise unknown_key(name, f"config.{name}", family)
    for name, key in known.items():
        if name not in values:
            raise _missing(name)
        key.rule.check(values[name], f"config.{name}")


def _missing(name: str) -> UserError:
    return UserError(
        f"config.{name} is missing. A get_config() starts from "
        "fullglow_jax.config.default_config() and changes what it likes."
    )


def unknown_key(name: str, given: str, family: str | None = None) -> UserError:
    """The error for an unknown key.

    Args:
        name: The key's name.
        given: The key as the user wrote it.
        family: The family of the config, if it is known.
    """
    if inside := [key for key in keys() if key.startswith(f"{name}.")]:
        return UserError(
            f"{given}: name one key of that section: config.{', config.'.join(inside)}."
        )
    if now := renamed(name):
        return UserError(f"{given}: config.{name} {now}.")
    if family and (others := [other for other in FAMILIES if name in keys(other)]):
        return UserError(
            f"{given}: a {' or a '.join(others)} has this key, and a {family} has not. Leave it "
            f"out; in a get_config(), begin with default_config({family!r})."
        )
    known = keys(family)
    section, _, leaf = name.rpartition(".")
    near = [key for key in known if key.rpartition(".")[2] == leaf]
    near += difflib.get_close_matches(name, known, n=1)
    there = [key for key in known if section and key.startswith(f"{section}.")]
    there = there or list(dict.fromkeys(key.split(".")[0] for key in known))
    hint = f"there are: config.{', config.'.join(there)}."
    if near:
        same_section, _, right = near[0].rpartition(".")
        hint = f"did you mean {right if same_section == section else f'config.{near[0]}'!r}?"
    return UserError(f"{given}: the config has no key {leaf!r}; {hint}")


def flat(config: ConfigDict) -> dict[str, Any]:
    """Values by the names of their keys, with sections before a dot."""
    values: dict[str, Any] = {}
    for name, value in config.items():
        if isinstance(value, ConfigDict):
            values |= {f"{name}.{key}": inner for key, inner in flat(value).items()}
        else:
            values[name] = value
    return values
