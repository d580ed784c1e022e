"""Differences between a config and the one stored in a workdir, which are refused or reported."""

from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from fullglow_jax.config.keys import flat, keys
from fullglow_jax.data.options import chosen_direction
from fullglow_jax.data.source import SOURCES
from fullglow_jax.errors import UserError
from fullglow_jax.settings.section import Change

SHOWN = 12
"""Number of a list's values that a message names."""


def check_changes(
    config: ConfigDict, stored: ConfigDict, workdir: Path, *, training: bool
) -> str | None:
    """A message on the differences between a config and a stored one; None if there are none.

    Args:
        config: The config.
        stored: The config of a checkpoint of the workdir.
        workdir: The run's folder, for messages.
        training: Whether training goes on with the config; else the trained model is used.

    Raises:
        UserError: If it describes another model, or its figures could not be compared with the
            workdir's figures so far; names each difference.
    """
    here, there, known = _meanings(config), _meanings(stored), keys(config.model.name)
    if _position(config) == _position(stored) and config.data.name != stored.data.name:
        here["data.direction"] = there["data.direction"]  # the same direction under another name
    # A key that only one of two families has adds nothing to the difference in `model.name`.
    different = [name for name in here if name in there and here[name] != there[name]]
    refused = {Change.REFUSED, Change.OBJECTIVE, Change.DATA if training else Change.TRAINED}
    fixed = [
        name
        for name in different
        if known[name].change in refused and (known[name].read(config) or known[name].read(stored))
    ]

    def described(names: list[str]) -> str:
        return "; ".join(
            f"config.{n} is {told(there[n])} there and {told(here[n])} here" for n in names
        )

    if fixed:
        raise UserError(
            f"{workdir} holds the checkpoint of another model, or of one with other figures: "
            f"{described(fixed)}. Choose another --workdir, or the config that this one was "
            "started with."
        )
    return f"other than in {workdir}: {described(different)}" if different else None


def _meanings(config: ConfigDict) -> dict[str, Any]:
    """Plain values by key; a value that stands for a default is replaced by that default."""
    # As JSON would return them.
    values = {n: list(v) if isinstance(v, tuple) else v for n, v in flat(config).items()}
    return values | {"data.direction": SOURCES[config.data.name].directions[_position(config)]}


def told(value: Any) -> str:
    """A value in words; of a long list, names of classes say, its first."""
    if isinstance(value, list | tuple) and len(value) > SHOWN:
        return f"{value[:SHOWN]} and {len(value) - SHOWN} more"
    return str(value)


def _position(config: ConfigDict) -> int:
    """The index of a config's direction in those of its data."""
    directions = SOURCES[config.data.name].directions
    return directions.index(chosen_direction(config.data.direction, directions))
