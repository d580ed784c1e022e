"""Keeps what XLA compiled, so that a second start need not compile again."""

import hashlib
import os
import platform
from pathlib import Path

from fullglow_jax.user_cache import cache_folder

LARGEST = 4 * 2**30
"""Bytes, beyond which what was not used for longest is deleted."""


def keep_compilations() -> None:
    """Tells JAX, before it is imported, to keep programs in the user's cache folder.

    `~/.cache/fullglow_jax`, or below `XDG_CACHE_HOME`. Whoever has set JAX's own
    `JAX_COMPILATION_CACHE_DIR` keeps that; an empty one keeps nothing.
    """
    # Programs for CPUs are machine code of one kind of CPU, and home folders are often shared.
    processor = hashlib.sha256(_processor().encode()).hexdigest()[:12]
    folder = cache_folder("compiled") / processor
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(folder))
    os.environ.setdefault("JAX_COMPILATION_CACHE_MAX_SIZE", str(LARGEST))


def _processor() -> str:
    """What this machine's processor can do, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    features = sorted({line for line in lines if line.startswith(("flags", "Features"))})
    return "\n".join([platform.machine(), platform.processor(), *features])
