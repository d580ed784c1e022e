"""The flag `--config FILE`, and its overrides `--config.KEY=VALUE`."""

import re
import runpy
import traceback
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ml_collections import ConfigDict

from fullglow_jax.config import default_config
from fullglow_jax.config.keys import check_config, flat, keys, unknown_key
from fullglow_jax.config.migrations import MOVED, renamed
from fullglow_jax.errors import UserError
from fullglow_jax.files.paths import user_path

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

    If they name another family, `config.model` becomes that family's: with the config's values for
    keys that both have, and defaults for the others.

    Raises:
        UserError: If a value is not possible, or the family has no such key.
    """
    config = config.copy_and_resolve_references()
    if text := overrides.get("model.name"):
        family = keys()["model.name"].rule.parse(text, "--config.model.name")
        if family != config.model.name:
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
    """A family's `config.model`, with another family's values for keys that both have."""
    section = default_config(family).model
    section.update({key: value for key, value in model.items() if key in section and key != "name"})
    return section


def read_config(flag: str) -> ConfigDict:
    """The result of the file's get_config().

    Args:
        flag: The file; the text after a colon is the argument of get_config.

    Raises:
        UserError: If there is no such file, or it is broken.
    """
    name, colon, argument = flag.partition(":")
    path = user_path(name)
    if user_path(flag).is_file():
        name, colon, path = flag, "", user_path(flag)
    expected = "a Python file with get_config(), for example configs/street_scenes.py."
    if not path.is_file():
        raise UserError(f"--config {name}: there is no such file; expected {expected}")
    try:
        config = runpy.run_path(str(path))["get_config"](*([argument] if colon else []))
    except UserError:
        raise
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame for frame in frames if frame.filename == str(path)]
        where = f", line {lines[-1].lineno}" if lines else ""
        if lines and (old := _old_key(lines[-1].line or "")):
            raise UserError(f"--config {name}{where}: config.{old} {renamed(old)}.") from error
        raise UserError(
            f"--config {name}{where}: {type(error).__name__}: {error}; expected {expected}"
        ) from error
    if not isinstance(config, ConfigDict):
        raise UserError(
            f"--config {name}: its get_config() returns {type(config).__name__}, where a "
            "ConfigDict was expected: fullglow_jax.config.default_config(), changed."
        )
    return config


def _old_key(line: str) -> str | None:
    """The key of an earlier version in a line of Python."""
    return next((old for old in MOVED if re.search(rf"\b{re.escape(old)}\b", line)), None)
