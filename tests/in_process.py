"""The commands, run in this process."""

from importlib import import_module
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]


def command(name: str) -> ModuleType:
    """The module of a command, such as train, with its flags and `main`."""
    return import_module(f"fullglow_jax.commands.{name}")
