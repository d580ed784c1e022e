"""Overrides of a config, `--config.KEY=VALUE`."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ml_collections import ConfigDict

from fullglow_jax.config import default_config
from fullglow_jax.config.keys import check_config, flat, keys, unknown_key
from fullglow_jax.errors import UserError
from fullglow_jax.model_registry import family_of

_OVERRIDE = re.compile(r"--?(?P<no>no)?config\.(?P<key>[^=]*)(?P<value>=.*)?", re.DOTALL)


class Words(NamedTuple):
    """A command line in two parts.

    Attributes:
        rest: The words that are not overrides.
        overrides: Texts by key; the last one, if a key is given more than once.
    """

    rest: list[str]
    overrides: dict[str, str]


def split_words(argv: Sequence[str]) -> Words:
    """Finds the overrides: `--config.KEY=VALUE`, `--config.KEY VALUE`, `--[no]config.KEY`.

    Raises:
        UserError: If there is no such key, or a value is missing.
    """
    rest: list[str] = []
    overrides: dict[str, str] = {}
    words, known = list(argv), keys()
    while words:
        word = words.pop(0)
        match = _OVERRIDE.fullmatch(word)
        if match is None:
            rest.append(word)
            continue
        key = match["key"]
        if key not in known:
            raise unknown_key(key, word)
        rule = known[key].rule
        if match["no"]:
            if rule.alone is None or match["value"]:
                raise UserError(f"{word}: write --config.{key}=VALUE, {rule.expected}.")
            overrides[key] = "false"
        elif match["value"]:
            overrides[key] = match["value"][1:]
        elif rule.alone is not None and not (words and rule.takes(words[0])):
            overrides[key] = rule.alone
        elif words:
            overrides[key] = words.pop(0)
        else:
            raise UserError(f"{word} is missing its value: {rule.expected}.")
    return Words(rest, overrides)


def overridden(config: ConfigDict, overrides: Mapping[str, str]) -> ConfigDict:
    """A config with overrides, checked and locked.

    If they name another family, `config.model` becomes that family's: with what the config changed
    of keys that both have, and defaults for the others; likewise `config.train.temperature`.

    Raises:
        UserError: If a value is not possible, or the family has no such key.
    """
    config = config.copy_and_resolve_references()
    if text := overrides.get("model.name"):
        family = keys()["model.name"].rule.parse(text, "--config.model.name")
        if family != config.model.name:
            if config.train.temperature == family_of(config.model.name).temperature:
                config.train.temperature = family_of(family).temperature
            config.model = _section_of(family, config.model)
    family = flat(config).get("model.name")
    known = keys(family)
    values = {}
    for key, text in overrides.items():
        if key not in known:
            raise unknown_key(key, f"--config.{key}", family)
        values[key] = known[key].rule.parse(text, f"--config.{key}")
    # A rule knows the type; a section that the user's file made may have another type.
    with config.unlocked(), config.ignore_type():
        config.update_from_flattened_dict(values)
    check_config(config)
    return config.lock()


def _section_of(family: str, model: ConfigDict) -> ConfigDict:
    """A family's `config.model`, with what another's has that is not a default there.

    Keys that both have may have other values in each: one that is not possible is left out.
    """
    section, known = default_config(family).model, keys(family)
    defaults = default_config(model.name).model
    for key, value in model.items():
        changed = key != "name" and key in section and value != defaults[key]
        if changed and known[f"model.{key}"].rule.holds(value):
            section[key] = value
    return section
