"""What the command lines share: flags, configs, and errors that help."""

import logging
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from absl import app, flags
from ml_collections import ConfigDict, config_flags

from fullglow_jax.compilation_cache import keep_compilations
from fullglow_jax.errors import LeaveAtOnce, UserError
from fullglow_jax.parallel.launchers import detected

_ALONE = {f"--config.parallel.distributed={no}" for no in ("false", "False")}


def run(main: Callable[[Sequence[str]], int | None]) -> NoReturn:
    """Calls main with the command line's arguments and exits with what it returns.

    A UserError ends in its message alone and exit code 1; Ctrl-C in exit code 130. One of several
    processes that fails leaves at once: JAX would have it wait for the others, which wait for it.
    """
    keep_compilations()
    # Orbax and JAX log through absl; what matters here is said by the commands themselves.
    logging.getLogger("absl").setLevel(logging.ERROR)
    try:
        if detected() and not _ALONE.intersection(sys.argv):
            from fullglow_jax.parallel.distributed import join

            join()
        sys.exit(main(sys.argv[1:]))
    except LeaveAtOnce as end:
        if str(end):
            print(f"error: {end}" if end.code else end, file=sys.stderr)
        _leave(end.code)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        code = 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        code = 130
    except Exception:
        if not _one_of_several():
            raise
        traceback.print_exc()
        code = 1
    if _one_of_several():
        _leave(code)
    sys.exit(code)


def _one_of_several() -> bool:
    """Whether this process has joined others."""
    if "jax" not in sys.modules:
        return False
    import jax

    return bool(jax.distributed.is_initialized())


def _leave(code: int) -> NoReturn:
    """Ends the process as it is, whatever its threads do."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def parse_config(argv: Sequence[str]) -> ConfigDict:
    """Parses flags with `--config FILE` and its `--config.key=value` overrides.

    Raises:
        UserError: Where a flag or key is misspelt, a value has the wrong type, or the file is
            missing or broken.
    """
    with _explained(argv):
        holder = config_flags.DEFINE_config_file(
            "config",
            help_string="A file with get_config(), for example configs/street_scenes.py; "
            "--config.KEY=VALUE overrides one of its values.",
        )
        # So that --help, which lists the main file's own flags, tells of it too.
        flags.FLAGS.register_key_flag_for_module(sys.argv[0], flags.FLAGS["config"])
        _parse(argv)
        # An unreadable config file raises only when something asks it for a value.
        config = holder.value and holder.value.copy_and_resolve_references()
    if config is None:
        raise UserError("--config FILE is missing, for example --config configs/street_scenes.py.")
    return config.lock()


def config_name() -> str:
    """The stem of the file that `--config` named."""
    flag: Any = flags.FLAGS["config"]
    return Path(flag.config_filename).stem


def parse_known(argv: Sequence[str]) -> None:
    """Parses flags and leaves those that are not known, the config's say, for later.

    Raises:
        UserError: A value has the wrong type.
    """
    with _explained(argv):
        _parse(argv, known_only=True)


def parse_flags(argv: Sequence[str]) -> None:
    """Parses flags where there is no config.

    Raises:
        UserError: A flag is misspelt or a value has the wrong type.
    """
    with _explained(argv):
        _parse(argv)


def parse_workdir(
    argv: Sequence[str], workdir: flags.FlagHolder, stored: Callable[[Path], ConfigDict]
) -> ConfigDict:
    """Parses flags where the config is one that a workdir stores, with overrides on top.

    Args:
        argv: The command line's arguments.
        workdir: The flag that names the workdir.
        stored: Gives a workdir's config.

    Raises:
        UserError: As `parse_config`, and where there is no workdir.
    """
    parse_known(argv)
    if workdir.value is None:
        raise UserError("--workdir DIR is missing: the folder of a training run.")
    config = stored(Path(workdir.value))
    # Parsed again from the start: flags that may be repeated would keep their first values too.
    for name in flags.FLAGS:
        flags.FLAGS[name].unparse()
    with _explained(argv):
        holder = config_flags.DEFINE_config_dict(
            "config", config, "Overrides of the checkpoint's config."
        )
        _parse(argv)
    return holder.value


def _parse(argv: Sequence[str], known_only: bool = False) -> None:
    app.define_help_flags()
    rest = flags.FLAGS([sys.argv[0], *argv], known_only=known_only)
    if not known_only and len(rest) > 1:
        raise UserError(f"not a flag: {' '.join(rest[1:])}. Flags are --name=value; see --help.")


@contextmanager
def _explained(argv: Sequence[str]) -> Iterator[None]:
    """Turns what absl and ml_collections raise into a message that names flag and remedy."""
    try:
        yield
    except (flags.Error, AttributeError, KeyError, TypeError, ValueError, OSError) as error:
        text = " ".join(str(error).replace("\\n", " ").replace("\\'", "'").split())
        if missing := re.search(r"No such file or directory: '([^']+)", text):
            raise UserError(
                f"--config {missing[1]}: there is no such file; expected a Python file with "
                "get_config(), for example configs/street_scenes.py."
            ) from error
        # ml_collections names the key alone; the flag it came from tells where it was meant to be.
        unknown = re.search(r"'(\w+)'(?: Did you mean \"(\w+)\")?", text)
        if isinstance(error, AttributeError | KeyError) and unknown:
            key, near = unknown.groups()
            flag = next((a for a in argv if re.search(rf"[.]{key}\b", a.split("=")[0])), key)
            hint = f"did you mean {near!r}?" if near else "fullglow_jax/config.py lists them all."
            raise UserError(f"{flag}: the config has no key {key!r}; {hint}") from error
        raise UserError(text) from error
