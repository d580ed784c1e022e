"""The commands, run in this process."""

import contextlib
import io
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import jax

from fullglow_jax.errors import UserError

ROOT = Path(__file__).resolve().parents[1]

EVERY_COMPILATION = "jax_persistent_cache_min_compile_time_secs"


class Result(NamedTuple):
    code: int
    out: str
    err: str


def command(name: str) -> ModuleType:
    """The module of a command, such as train, with its flags and `main`."""
    return import_module(f"fullglow_jax.commands.{name}")


def ran(script: str, arguments: Sequence[str], cwd: Path) -> Result:
    """What a script leaves that is called in a folder, but for the process.

    This one has imported and traced much of what it needs. Compilations are kept, as by scripts.
    """
    main = command({"eval.py": "evaluate"}.get(script, script.removesuffix(".py"))).main
    out, err = io.StringIO(), io.StringIO()
    code = 0
    kept = getattr(jax.config, EVERY_COMPILATION)
    jax.config.update(EVERY_COMPILATION, 0.0)
    try:
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            contextlib.chdir(cwd),
        ):
            main(arguments)
    except UserError as error:
        code, _ = 1, err.write(f"error: {error}\n")
    finally:
        jax.config.update(EVERY_COMPILATION, kept)
    return Result(code, out.getvalue(), err.getvalue())
