"""Modules that stand in for what the originals import and do not need."""

import importlib.util
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np


class Anything:
    """Stands in for what is imported and never called."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass


def stand_in(name: str, **attributes: Any) -> types.ModuleType:
    """A module of that name, with these attributes alone."""
    module = types.ModuleType(name)
    module.__dict__.update(attributes)
    sys.modules[name] = module
    return module


def package(name: str, folder: Path) -> None:
    """A package that imports its parts when asked for them, and nothing at once."""
    stand_in(name).__path__ = [str(folder)]


def module_at(name: str, path: Path) -> Any:
    """The module of one file, without its package."""
    place = importlib.util.spec_from_file_location(name, path)
    assert place is not None
    assert place.loader is not None
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    return module


def channels_first(images: np.ndarray) -> np.ndarray:
    """(B, H, W, 3) uint8 → (B, 3, H, W) in [0, 1]."""
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2)) / np.float32(255)
