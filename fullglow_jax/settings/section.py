"""Sections of the config: frozen dataclasses whose fields are the keys."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields, is_dataclass
from enum import Enum
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from ml_collections import ConfigDict, config_dict

from fullglow_jax.settings.rules import Rule


class Change(Enum):
    """The reaction if a key differs from the config that a workdir stores."""

    TOLD = "The new value counts, and the change is reported."
    TRAINED = "It may change when training goes on; a trained model is used as it was trained."
    DATA = "Training must not go on with other data; a trained model may be used with any."
    OBJECTIVE = "It would have learnt something else; the same weights still mean the same."
    REFUSED = "It would be another model, or its figures would mean something else."


@dataclass(frozen=True)
class Key:
    """The properties of a key.

    Attributes:
        rule: Its possible values.
        change: The reaction if it differs from a stored config.
        read: Whether anything reads the key in a given config.
    """

    rule: Rule
    change: Change = Change.TOLD
    read: Callable[[ConfigDict], bool] = lambda config: True


def key(
    default: Any,
    rule: Rule,
    change: Change = Change.TOLD,
    read: Callable[[ConfigDict], bool] = lambda config: True,
) -> Any:
    """A field for a key; see `Key`. If the default is None, values have the field's other type."""
    return field(default=default, metadata={"key": Key(rule, change, read)})


def check_values(section: Any, prefix: str) -> None:
    """Checks that each value of a section is possible by itself.

    Args:
        section: An object of a section's class.
        prefix: Text before a key's name in messages, such as "config.model.".

    Raises:
        UserError: If one is not.
    """
    for name, found in keys_of(type(section)).items():
        found.rule.check(getattr(section, name), f"{prefix}{name}")


def keys_of(section: type, prefix: str = "") -> dict[str, Key]:
    """The keys of a section's class and of the sections inside it, with a dot between names."""
    found: dict[str, Key] = {}
    for each in fields(section):
        name = f"{prefix}{each.name}"
        if is_dataclass(each.default):
            found |= keys_of(type(each.default), f"{name}.")
        elif "key" in each.metadata:
            found[name] = each.metadata["key"]
    return found


def defaults_of(section: type) -> ConfigDict:
    """A section's class as part of a config, with its defaults."""
    types = get_type_hints(section)
    values = ConfigDict()
    for each in fields(section):
        if is_dataclass(each.default):
            values[each.name] = defaults_of(type(each.default))
        elif each.default is None:
            kind = next(part for part in get_args(types[each.name]) if part is not NoneType)
            values[each.name] = config_dict.placeholder(get_origin(kind) or kind)
        else:
            values[each.name] = each.default
    return values
