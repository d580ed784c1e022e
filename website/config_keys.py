"""An extension of griffe: tables of the config's keys, out of the comments beside them."""

import io
import tokenize
from typing import Any

import griffe

FIXED = {
    "REFUSED": "Fixed for a workdir.",
    "OBJECTIVE": "Fixed for a workdir.",
    "DATA": "Fixed for a training.",
    "TRAINED": "Fixed once trained.",
}
"""Sentences for the reactions to a changed value; see `settings.section.Change`."""

SHORT = {"_REFUSED": "REFUSED", "_DATA": "DATA"}
"""Names that modules give to members of `Change`."""


class ConfigKeys(griffe.Extension):
    """Adds the fields of a section, `name: type = key(default, rule, …)`, to its docstring."""

    def on_class_members(self, *, cls: griffe.Class, agent: Any, **_: Any) -> None:
        """Describes each field by the comment behind it, or by those above."""
        keys = [a for a in cls.attributes.values() if _call(a) and not a.is_alias]
        if not keys or cls.docstring is None or not isinstance(agent, griffe.Visitor):
            return
        comments = _comments(agent.code)
        lines = [f"    {key.name} ({key.annotation}): {_described(key, comments)}" for key in keys]
        cls.docstring.value += "\n\nAttributes:\n" + "\n".join(lines)
        for key in keys:
            cls.del_member(key.name)


def _call(attribute: griffe.Attribute) -> list[str] | None:
    """The arguments of `key(…)`, as source; None if the attribute is no key."""
    value = attribute.value
    if isinstance(value, griffe.ExprCall) and str(value.function) == "key":
        return [str(argument) for argument in value.arguments]
    return None


def _described(attribute: griffe.Attribute, comments: dict[int, tuple[str, bool]]) -> str:
    default, _, *rest = _call(attribute) or ["", ""]
    first, last = attribute.lineno or 0, attribute.endlineno or 0
    about = [comments[line][0] for line in range(first, last + 1) if line in comments]
    if not about:
        while (first := first - 1) in comments and comments[first][1]:
            about.insert(0, comments[first][0])
    change = SHORT.get(rest[0], rest[0].rpartition(".")[2]) if rest else ""
    fixed = f"*{FIXED[change]}*" if change in FIXED else ""
    # A comment behind a default goes on from it: «1, over all devices».
    text = f"**`{default}`**{': ' if about else ''}{' '.join(about)}"
    return f"{text.rstrip('.')}. {fixed}".rstrip()


def _comments(code: str) -> dict[int, tuple[str, bool]]:
    """Comments by line, and whether each has its line for itself."""
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    return {
        token.start[0]: (token.string.lstrip("# "), token.line.lstrip().startswith("#"))
        for token in tokens
        if token.type == tokenize.COMMENT
    }
