"""Common parts of all commands: flags, configs, and errors that help."""

import logging
import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from absl import flags
from ml_collections import ConfigDict

from fullglow_jax.compilation_cache import keep_compilations
from fullglow_jax.config import default_config
from fullglow_jax.errors import LeaveAtOnce, UserError, refusal
from fullglow_jax.huge_pages import begin_with_huge_pages
from fullglow_jax.installation import as_called
from fullglow_jax.lapack_threads import use_one_lapack_thread
from fullglow_jax.lost_interrupts import heed_every_interrupt
from fullglow_jax.settings import rules
from fullglow_jax.settings.rules import Rule
from fullglow_jax.text_output import show_any_text
from fullglow_jax.user_cache import replace_unwritable_cache

HELP = ("--help", "-help", "-h")

HEADING = "flags"
"""Of their list in --help."""

_OF_THE_MACHINE = "parallel."
"""Before the names of keys that belong to no model."""


def run(main: Callable[[Sequence[str]], int | None]) -> NoReturn:
    """Calls main with the command line's arguments and exits with its result.

    A UserError prints only its message and exits with 1; Ctrl-C exits with 130. If one of several
    processes fails, it leaves at once: JAX would let it wait for the others, which wait for it.
    """
    heed_every_interrupt()
    use_one_lapack_thread()
    begin_with_huge_pages()
    show_any_text()
    if note := replace_unwritable_cache():
        print(f"note: {note}", file=sys.stderr)
    keep_compilations()
    # Orbax and JAX log through absl, also errors, until the process ends; the commands themselves
    # report everything important.
    logging.getLogger("absl").setLevel(logging.CRITICAL)
    flags.FLAGS.mark_as_parsed()  # flags of libraries, which have their defaults
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


class CommandLine:
    """The flags of one command, beside those of other commands in the same process.

    Args:
        about: What --help says before the flags: the command's docstring.
    """

    def __init__(self, about: str | None) -> None:
        self._about = about or ""
        self._flags = flags.FlagValues()
        self._config: flags.FlagHolder[Any] | None = None

    def flag(
        self, name: str, default: Any, rule: Rule, about: str, *, repeated: bool = False
    ) -> flags.FlagHolder[Any]:
        """A flag whose values a rule reads and checks.

        If it is given several times, the last value counts; if `repeated`, all count, as a list. If
        the default is False, it is a switch: --NAME, --noNAME, or --NAME=false.
        """
        parser = _ByRule(name, rule)
        where: dict[str, Any] = {"flag_values": self._flags, "module_name": HEADING}
        if repeated:
            none = flags.ArgumentSerializer[Any]()
            return flags.DEFINE_multi(parser, none, name, default, about, **where)
        if default is False:
            switch = flags.Flag(parser, None, name, False, about, boolean=True)
            return flags.DEFINE_flag(switch, **where)
        if rule.choices:
            about = f"<{'|'.join(rule.choices)}>: {about}"
        return flags.DEFINE(parser, name, default, about, **where)

    def parse(self, argv: Sequence[str]) -> dict[str, str]:
        """Parses flags; those that are not given get their defaults. With --help, it ends here.

        Returns:
            Overrides of a config, as texts by key.

        Raises:
            UserError: If a flag or key is misspelt, or a value is not possible.
        """
        if not set(HELP).isdisjoint(argv):
            with suppress(BrokenPipeError):  # of --help | head
                print(self.help(), flush=True)
            raise SystemExit(0)
        for name in self._flags:
            self._flags[name].unparse()
        overrides: dict[str, str] = {}
        try:
            words = self._flags.read_flags_from_files(list(argv), force_gnu=False)
            if any("config." in word for word in words):
                # Keys are defined in half of the package: --help does not wait for this import.
                from fullglow_jax.config.overrides import split_words

                words, overrides = split_words(words)
            extra = self._flags([sys.argv[0], *words])[1:]
        except (flags.Error, OSError) as error:
            raise UserError(" ".join(str(error).split())) from error
        if extra:
            raise UserError(f"not a flag: {' '.join(extra)}. Flags are --name=value; see --help.")
        return overrides

    def help(self) -> str:
        """What --help says."""
        listed = self._flags.get_help(include_special_flags=False)
        return as_called(f"{self._about.strip()}\n\n{listed.strip()}")

    def parse_config(self, argv: Sequence[str], *, alone: bool = False) -> ConfigDict:
        """Parses flags with `--config NAME` and `--config.KEY=VALUE`; joins the run's processes.

        A command that computes `alone` joins none.

        Raises:
            UserError: If a flag or key is misspelt, a value is not possible, the config is missing
                or broken, or the other processes cannot be joined.
        """
        if self._config is None:
            self._config = self.flag(
                "config",
                None,
                rules.text(),
                "A config that comes with the package, such as street_scenes, or a Python file "
                "with get_config(); --config.KEY=VALUE overrides one of its values.",
            )
        overrides = self.parse(argv)
        from fullglow_jax.config.config_file import read_config
        from fullglow_jax.config.overrides import overridden

        if self._config.value is None:
            raise UserError("--config NAME is missing, for example --config street_scenes.")
        config = overridden(read_config(self._config.value), overrides)
        if not alone:
            _join(config)
        return config

    @property
    def config_name(self) -> str:
        """The name of the config that `--config` named, without folder and ending."""
        from fullglow_jax.config.config_file import find_config

        assert self._config is not None
        return find_config(self._config.value).path.stem


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


def workdir_config(
    workdir: Path | None, checkpoint: str, overrides: Mapping[str, str], *, alone: bool = False
) -> ConfigDict:
    """A checkpoint's config ("latest", "best" or a step) with overrides; joins processes.

    The stored `config.parallel` belongs to the machine that trained, so it is ignored: only
    overrides count. A command that computes `alone` joins no processes.

    Raises:
        UserError: As `CommandLine.parse_config`, and if there is no such checkpoint.
    """
    from fullglow_jax.config.overrides import overridden

    if workdir is None:
        raise UserError("--workdir DIR is missing: the folder of a training run.")
    if not alone:  # before anything asks JAX for its devices
        machine_config(
            {key: text for key, text in overrides.items() if key.startswith(_OF_THE_MACHINE)}
        )
    from fullglow_jax.runs.trained import stored_config

    config = stored_config(workdir, checkpoint)
    config.parallel = default_config().parallel
    return overridden(config, overrides)


def machine_config(overrides: Mapping[str, str]) -> ConfigDict:
    """The config of a command without a model; joins processes.

    Raises:
        UserError: If an override is of a model, or the other processes cannot be joined.
    """
    from fullglow_jax.config.overrides import overridden

    for key in overrides:
        if not key.startswith(_OF_THE_MACHINE):
            raise UserError(f"--config.{key} is of a model, and there is no --workdir of one.")
    config = overridden(default_config(), overrides)
    _join(config)
    return config


def _join(config: ConfigDict) -> None:
    from fullglow_jax.parallel.distributed import join

    join(config.parallel.distributed)
