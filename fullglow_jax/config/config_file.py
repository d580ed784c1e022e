"""The config that `--config` names: a file, or a config that comes with this code."""

import difflib
import re
import runpy
import traceback
from pathlib import Path
from typing import NamedTuple

from ml_collections import ConfigDict

from fullglow_jax.config.migrations import MOVED, renamed
from fullglow_jax.errors import UserError
from fullglow_jax.files.paths import user_path
from fullglow_jax.installation import CONFIGS


class ConfigFile(NamedTuple):
    """A Python file, and the argument of its get_config(), if there is one."""

    path: Path
    argument: str | None


def config_names() -> list[str]:
    """Names of the configs that come with this code."""
    return sorted(path.stem for path in CONFIGS.glob("[!_]*.py"))


def find_config(flag: str) -> ConfigFile:
    """The file that a flag names.

    Args:
        flag: A file, or the name of a config that comes with this code, such as street_scenes; the
            text after a colon is the argument of get_config.

    Raises:
        UserError: If there is none.
    """
    name, colon, rest = flag.partition(":")
    path, argument = user_path(name), rest if colon else None
    if user_path(flag).is_file():
        return ConfigFile(user_path(flag), None)
    if path.is_file():
        return ConfigFile(path, argument)
    names = config_names()
    if name in names:
        return ConfigFile(CONFIGS / f"{name}.py", argument)
    if path.suffix == ".py" or path.name != name:
        example = path.stem if path.stem in names else "street_scenes"
        raise UserError(
            f"--config {name}: there is no such file; expected a Python file with get_config(), or "
            f"the name of a config that comes with the package, for example {example}."
        )
    near = difflib.get_close_matches(name, names, n=1, cutoff=0)[0]
    raise UserError(
        f"--config {name}: there is no such file, and no config of this name; did you mean "
        f"{near!r}? There are: {', '.join(names)}."
    )


def read_config(flag: str) -> ConfigDict:
    """The result of the get_config() in the file that a flag names; see `find_config`.

    Raises:
        UserError: If there is no such file, or it is broken.
    """
    path, argument = find_config(flag)
    name = flag.removesuffix(f":{argument}")
    try:
        get_config = runpy.run_path(str(path))["get_config"]
        config = get_config(*([] if argument is None else [argument]))
    except UserError:
        raise
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame for frame in frames if frame.filename == str(path)]
        where = f", line {lines[-1].lineno}" if lines else ""
        if lines and (old := _old_key(lines[-1].line or "")):
            raise UserError(f"--config {name}{where}: config.{old} {renamed(old)}.") from error
        raise UserError(
            f"--config {name}{where}: {type(error).__name__}: {error}; expected a Python file with "
            "get_config(), as those in configs/ are."
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
