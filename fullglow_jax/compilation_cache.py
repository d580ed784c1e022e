"""The cache of compiled programs, so that a second start need not compile again."""

import grp
import hashlib
import os
import platform
import pwd
import warnings
from pathlib import Path

from fullglow_jax.user_cache import cache_folder

LARGEST = 4 * 2**30
"""Bytes of the cache; beyond it, the least recently used programs are deleted."""

UNLIMITED = -1
"""JAX's value for no limit."""


def keep_compilations() -> None:
    """Tells JAX, before it is imported, to keep programs in the user's cache folder.

    See `cache_folder`. JAX's own `JAX_COMPILATION_CACHE_DIR` has priority, if it is set; if it is
    empty, nothing is kept.
    """
    folder = cache_folder("compiled")
    own = str(folder / processor_digest()) if folder else ""
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", own)
    # With a limit, JAX asks the system for the files' owners; a container may not know them.
    largest = LARGEST if _is_known() else UNLIMITED
    os.environ.setdefault("JAX_COMPILATION_CACHE_MAX_SIZE", str(largest))
    # A program that cannot be kept is compiled again; a full disk is what other files report.
    warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation cache")


def processor_digest() -> str:
    """A name of this machine's kind of processor.

    Programs for CPUs are machine code for one kind of CPU, but machines often share folders.
    """
    return hashlib.sha256(_processor().encode()).hexdigest()[:12]


def _is_known() -> bool:
    """Whether the system has names for this user and their group."""
    try:
        pwd.getpwuid(os.getuid())
        grp.getgrgid(os.getgid())
    except KeyError:
        return False
    return True


def _processor() -> str:
    """The features of this machine's processor, as far as the system reports them."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    features = sorted({line for line in lines if line.startswith(("flags", "Features"))})
    return "\n".join([platform.machine(), platform.processor(), *features])
