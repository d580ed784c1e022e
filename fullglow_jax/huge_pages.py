"""Huge pages for the memory of arrays on Linux."""

import os
import sys
from contextlib import suppress
from pathlib import Path

TUNABLES, TUNABLE = "GLIBC_TUNABLES", "glibc.malloc.hugetlb"

SYSTEM = Path("/sys/kernel/mm/transparent_hugepage/enabled")
"""The system's choice: huge pages always, never, or for programs that ask for them (madvise)."""


def begin_with_huge_pages() -> None:
    """Begins this process once more, with huge pages, where the system leaves that to programs.

    On CPUs, each training step asks for the memory of its temporary arrays anew, and the system
    hands it out page by page. In pages of 2 MB instead of 4 kB that takes hardly any time
    (docs/performance.md). The C library reads this setting only when a process begins, therefore
    before anything else is done. The user's own value of `glibc.malloc.hugetlb` in the environment
    variable GLIBC_TUNABLES stays; 0 turns this off.
    """
    tunables = os.environ.get(TUNABLES, "")
    if "jax" in sys.modules or TUNABLE in tunables or not _left_to_programs():
        return
    os.environ[TUNABLES] = ":".join(filter(None, (tunables, f"{TUNABLE}=1")))
    with suppress(OSError):  # then it is slower, and no worse
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def _left_to_programs() -> bool:
    try:
        return sys.platform == "linux" and "[madvise]" in SYSTEM.read_text(encoding="ascii")
    except OSError:  # a kernel without huge pages
        return False
