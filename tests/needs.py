"""What some tests need and the project's own set-up leaves out: they skip where it is missing.

Continuous integration sets `FULLGLOW_ALL_TESTS`, and there they fail instead.
"""

import importlib
import os
import shutil
from types import ModuleType
from typing import NoReturn

import pytest


def package(name: str) -> ModuleType:
    """A package's module."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        _missing(f"needs the package {name} ({error})")


def program(*names: str) -> str:
    """The path of a program, by the first of its names that is there."""
    there = [path for name in names if (path := shutil.which(name))]
    if not there:
        _missing(f"needs the program {' or '.join(names)}")
    return there[0]


def _missing(what: str) -> NoReturn:
    if os.environ.get("FULLGLOW_ALL_TESTS"):
        pytest.fail(f"{what}, and FULLGLOW_ALL_TESTS is set", pytrace=False)
    pytest.skip(what, allow_module_level=True)
