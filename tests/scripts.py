"""The commands, run in this process."""

import runpy
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from absl import flags

ROOT = Path(__file__).resolve().parents[1]


@contextmanager
def script(path: str) -> Iterator[dict[str, Any]]:
    """What a script defines, its flags as long as it is open.

    Those of commands that other tests have imported are put away for that time.
    """
    others = {name: flags.FLAGS[name] for name in flags.FLAGS if _is_of_a_command(name)}
    for name in others:
        delattr(flags.FLAGS, name)
    before = set(flags.FLAGS)
    try:
        yield runpy.run_path(str(ROOT / path))
    finally:
        for name in filter(_is_of_a_command, set(flags.FLAGS) - before):
            delattr(flags.FLAGS, name)
        for name, flag in others.items():
            flags.FLAGS[name] = flag


def _is_of_a_command(name: str) -> bool:
    """Not of a library: those define flags when they are imported, and read them from then on."""
    package = str(flags.FLAGS.find_module_defining_flag(name)).partition(".")[0]
    return package not in sys.modules or package in ("fullglow_jax", "tests")
