"""Requests whose fields are flags: each declares its rule, default and sentence once."""

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

from absl import flags

from fullglow_jax.cli import CommandLine
from fullglow_jax.errors import UserError
from fullglow_jax.settings import rules
from fullglow_jax.settings.rules import Rule

Request = TypeVar("Request")


class Row(Protocol):
    """Something that can be chosen by name."""

    @property
    def about(self) -> str:
        """A few words about it."""

    @property
    def reads(self) -> tuple[str, ...]:
        """Those flags it reads that not every row reads."""


@dataclasses.dataclass(frozen=True)
class Option:
    """The flag of a request's field.

    Attributes:
        rule: The rule of its values.
        about: A sentence for --help.
        repeated: Whether it may be given several times; the field is a tuple.
        instead_of: Flags that must not be given with this one.
        beside: A flag that must be given with this one.
        table: The table whose names are its values. A given flag that only other rows read is
            refused.
    """

    rule: Rule
    about: str
    repeated: bool = False
    instead_of: tuple[str, ...] = ()
    beside: str = ""
    table: Mapping[str, Row] = dataclasses.field(default_factory=dict)


def option(rule: Rule, about: str, default: Any = dataclasses.MISSING, **more: Any) -> Any:
    """A field of a request, with a flag of its name; `more` are attributes of `Option`."""
    return dataclasses.field(default=default, metadata={"option": Option(rule, about, **more)})


def one_of(table: Mapping[str, Row], default: str) -> Any:
    """A field that names a row of a table."""
    return option(rules.choice(table), f"{_told(table)}.", default, table=table)


def some_of(table: Mapping[str, Row], *default: str) -> Any:
    """A field that names rows of a table, with commas between."""
    return option(rules.texts(), f"Of {_told(table)}.", default, table=table)


def _told(table: Mapping[str, Row]) -> str:
    return "; ".join(f"{name}: {row.about}" for name, row in table.items())


class RequestFlags(Generic[Request]):
    """A command's flags that fill a request, a dataclass, one for each field; see `option`."""

    def __init__(self, command: CommandLine, request: type[Request]) -> None:
        self._request = request
        fields = dataclasses.fields(request)  # type: ignore[arg-type]
        self._options: dict[str, Option] = {f.name: f.metadata["option"] for f in fields}
        self._flags: dict[str, flags.FlagHolder[Any]] = {}
        for field in fields:
            spec = self._options[field.name]
            about = spec.about + "".join(
                f" Read by --{chooser} {', '.join(readers)}."
                for chooser, other in self._options.items()
                if (readers := _readers(other, field.name))
            )
            default = None if field.default is dataclasses.MISSING else field.default
            default = list(default) if isinstance(default, tuple) else default
            self._flags[field.name] = command.flag(
                field.name, default, spec.rule, about, repeated=spec.repeated
            )

    @property
    def given(self) -> list[str]:
        """Those of these flags that the command line has."""
        return [name for name, flag in self._flags.items() if flag.present]

    def request(self) -> Request:
        """The request; call it after flags are parsed.

        Raises:
            UserError: If a given flag has no effect with the others, or a name is in no table.
        """
        values = {name: flag.value for name, flag in self._flags.items()}
        given = self.given
        for name, spec in self._options.items():
            if spec.table:
                chosen: Any = values[name]
                _check_read(name, [chosen] if isinstance(chosen, str) else chosen, given, spec)
        for name in given:
            spec = self._options[name]
            for other in spec.instead_of:
                if other in given:
                    raise UserError(f"--{other} means nothing beside --{name}. Leave one out.")
            if spec.beside and spec.beside not in given:
                raise UserError(
                    f"--{name} means nothing without --{spec.beside}, and there is none."
                )
        return self._request(
            **{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
        )


def _check_read(chooser: str, names: Sequence[str], given: Sequence[str], spec: Option) -> None:
    """Checks that names are in a flag's table, and that given flags are read by their rows."""
    table = spec.table
    for name in names:
        if name not in table:
            near = difflib.get_close_matches(name, table, n=1, cutoff=0)[0]
            raise UserError(
                f"--{chooser} {name}: there is no such name; did you mean {near!r}? There are: "
                f"{', '.join(table)}."
            )
    for other in given:
        readers = _readers(spec, other)
        if readers and not set(readers).intersection(names):
            raise UserError(
                f"--{other} means nothing to --{chooser} {','.join(names)}, only to --{chooser} "
                f"{' or '.join(readers)}."
            )


def _readers(spec: Option, other: str) -> list[str]:
    """Names of the rows in a flag's table that read another flag."""
    return [name for name, row in spec.table.items() if other in row.reads]
