"""Where what can be made again is kept."""

import os
from pathlib import Path


def cache_folder(name: str) -> Path:
    """`~/.cache/fullglow_jax/NAME`, or below `XDG_CACHE_HOME`; it may not exist yet."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "fullglow_jax" / name
