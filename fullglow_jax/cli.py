"""Common parts of all commands: flags, configs, and errors that help."""

import logging
import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from absl import app, flags
from ml_collections import ConfigDict

from fullglow_jax.compilation_cache import keep_compilations
from fullglow_jax.config import default_config
from fullglow_jax.errors import LeaveAtOnce, UserError, refusal
from fullglow_jax.settings.rules import Rule
from fullglow_jax.text_output import show_any_text
from fullglow_jax.user_cache import replace_unwritable_cache

# --help lists flags under the file that defines them, not under this one.
flags.disclaim_key_flags()


def run(main: Callable[[Sequence[str]], int | None]) -> NoReturn:
    """Calls main with the command line's arguments and exits with its result.

    A UserError prints only its message and exits with 1; Ctrl-C exits with 130. If one of several
    processes fails, it leaves at once: JAX would let it wait for the others, which wait for it.
    """
    show_any_text()
    if note := replace_unwritable_cache():
        print(f"note: {note}", file=sys.stderr)
    keep_compilations()
    # Orbax and JAX log through absl, also errors, until the process ends; the commands themselves
    # report everything important.
    logging.getLogger("absl").setLevel(logging.CRITICAL)
    try:
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
    except Exception as error:
        if refused := refusal(error):
            print(f"error: {refused}.", file=sys.stderr)
        elif not _one_of_several():
            raise
        else:
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
    """Ends the process at once, without waiting for its threads."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def flag(
    name: str, default: Any, rule: Rule, about: str, *, repeated: bool = False
) -> flags.FlagHolder[Any]:
    """A flag whose values a rule reads and checks.

    If it is given several times, the last value counts; if `repeated`, all count, as a list. If the
    default is False, it is a switch: --NAME, --noNAME, or --NAME=false.
    """
    parser = _ByRule(name, rule)
    if repeated:
        return flags.DEFINE_multi(parser, flags.ArgumentSerializer(), name, default, about)
    if default is False:
        return flags.DEFINE_flag(flags.Flag(parser, None, name, False, about, boolean=True))
    if rule.choices:
        about = f"<{'|'.join(rule.choices)}>: {about}"
    return flags.DEFINE(parser, name, default, about)


class _ByRule(flags.ArgumentParser):
    """absl's parser of a flag, by a rule."""

    def __init__(self, name: str, rule: Rule) -> None:
        self._name, self._rule = name, rule

    def parse(self, argument: Any) -> Any:
        """The value of a text; a default is already a value."""
        if not isinstance(argument, str):
            return argument
        return self._rule.parse(argument, f"--{self._name}")

    def flag_type(self) -> str:
        """The type's name for --helpxml."""
        return self._rule.expected


def parse_flags(argv: Sequence[str]) -> dict[str, str]:
    """Parses flags; flags that are not given get their defaults.

    Returns:
        Overrides of a config, as texts by key.

    Raises:
        UserError: If a flag or key is misspelt, or a value is not possible.
    """
    app.define_help_flags()
    for name in flags.FLAGS:
        flags.FLAGS[name].unparse()
    overrides: dict[str, str] = {}
    try:
        words = flags.FLAGS.read_flags_from_files(list(argv), force_gnu=False)
        if any("config." in word for word in words):
            # Keys are defined in half of the package: --help does not wait for this import.
            from fullglow_jax.config.overrides import split_words

            words, overrides = split_words(words)
        extra = flags.FLAGS([sys.argv[0], *words])[1:]
    except (flags.Error, OSError) as error:
        raise UserError(" ".join(str(error).split())) from error
    if extra:
        raise UserError(f"not a flag: {' '.join(extra)}. Flags are --name=value; see --help.")
    return overrides


def parse_config(argv: Sequence[str], *, alone: bool = False) -> ConfigDict:
    """Parses flags with `--config FILE` and `--config.KEY=VALUE`, and joins the run's processes.

    A command that computes `alone` joins none.

    Raises:
        UserError: If a flag or key is misspelt, a value is not possible, the file is missing or
            broken, or the other processes cannot be joined.
    """
    if "config" not in flags.FLAGS:
        flags.DEFINE_string(
            "config",
            None,
            "A file with get_config(), for example configs/street_scenes.py; "
            "--config.KEY=VALUE overrides one of its values.",
        )
        # --help lists the main file's own flags; so it lists this one, too.
        flags.FLAGS.register_key_flag_for_module(sys.argv[0], flags.FLAGS["config"])
    overrides = parse_flags(argv)
    from fullglow_jax.config.overrides import overridden, read_config

    if flags.FLAGS["config"].value is None:
        raise UserError("--config FILE is missing, for example --config configs/street_scenes.py.")
    config = overridden(read_config(flags.FLAGS["config"].value), overrides)
    if not alone:
        _join(config)
    return config


def config_name() -> str:
    """The stem of the file that `--config` named."""
    return Path(str(flags.FLAGS["config"].value)).stem


def workdir_config(
    workdir: Path | None, checkpoint: str, overrides: Mapping[str, str], *, alone: bool = False
) -> ConfigDict:
    """A checkpoint's config ("latest", "best" or a step) with overrides; joins processes.

    The stored `config.parallel` belongs to the machine that trained, so it is ignored: only
    overrides count. A command that computes `alone` joins no processes.

    Raises:
        UserError: As `parse_config`, and if there is no such checkpoint.
    """
    from fullglow_jax.config.overrides import overridden

    if workdir is None:
        raise UserError("--workdir DIR is missing: the folder of a training run.")
    parallel = {key: text for key, text in overrides.items() if key.startswith("parallel.")}
    on_this_machine = overridden(default_config(), parallel)
    if not alone:  # before anything asks JAX for its devices
        _join(on_this_machine)
    from fullglow_jax.runs.trained import stored_config

    config = stored_config(workdir, checkpoint)
    config.parallel = default_config().parallel
    return overridden(config, overrides)


def _join(config: ConfigDict) -> None:
    from fullglow_jax.parallel.distributed import join

    join(config.parallel.distributed)
