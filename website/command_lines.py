"""The command lines in the documents, in fenced blocks and in running text."""

import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

SCRIPTS = ("train.py", "sample.py", "eval.py")

SHELLS = ("bash", "console", "sh")
"""Languages of blocks in which every line is a command."""

PROGRAMS = (
    "python",
    ".venv/bin/python",
    "make",
    "pip",
    "srun",
    "gcloud",
    "tensorboard",
    "fullglow-",
)
"""Beginnings of commands, beside paths of programs in the repository."""

_FENCED = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\n(?P<body>.*?)^ *```", re.M | re.S)
_INLINE = re.compile(r"(?<!`)`(?P<text>[^`]+)`(?!`)")
_ASSIGNMENT = re.compile(r"[A-Z_]+=.*")


@dataclass(frozen=True)
class CommandLine:
    """A command in a document.

    Attributes:
        page: The document, relative to the repository.
        text: The command, on one line.
    """

    page: str
    text: str

    @property
    def words(self) -> list[str]:
        """The command's words, without variables before it."""
        words = shlex.split(self.text)
        while words and _ASSIGNMENT.fullmatch(words[0]):
            words = words[1:]
        return words

    @property
    def python(self) -> list[str]:
        """The words after `python`, also where another program runs it; empty without one."""
        _, found, rest = re.sub(r"\s+", " ", self.text).partition("python ")
        if found:
            quoted = rest.count('"') % 2 or rest.count("'") % 2
            return shlex.split(rest[:-1] if quoted else rest)
        return []


def pages() -> list[Path]:
    """All documents, in the order of their reading."""
    nav = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    order = re.findall(r": (\w+\.md)$", nav, re.M)
    documents = sorted(
        (ROOT / "docs").glob("*.md"),
        key=lambda path: order.index(path.name) if path.name in order else len(order),
    )
    return [documents[0], ROOT / "README.md", *documents[1:], ROOT / "CONTRIBUTING.md"]


def command_lines(page: Path) -> list[CommandLine]:
    """A document's commands, in order, each once.

    Raises:
        ValueError: If a line of a shell's block is no command.
    """
    name = page.relative_to(ROOT).as_posix()
    text = page.read_text(encoding="utf-8")
    found = list(_fenced(text, name))
    for match in prose(text):
        code = " ".join(match["text"].split())
        named = code.startswith(SCRIPTS) and " " in code
        found.append((match.start(), _command(f"python {code}" if named else code)))
    lines = [line for _, line in sorted(found, key=lambda each: each[0]) if line]
    return [CommandLine(name, line) for line in dict.fromkeys(lines)]


def prose(text: str) -> Iterator[re.Match[str]]:
    """The pieces of code in running text, as matches whose `text` is the code."""
    outside = _FENCED.sub(lambda block: re.sub(r"[^\n]", " ", block[0]), text)
    return _INLINE.finditer(outside)


def _fenced(text: str, page: str) -> Iterator[tuple[int, str]]:
    for block in _FENCED.finditer(text):
        if block["language"] not in ("", *SHELLS):
            continue
        for line in _joined(block["body"].splitlines()):
            if command := _command(line):
                yield block.start(), command
            elif block["language"]:
                raise ValueError(f"{page}: {line!r} in a {block['language']} block is no command.")


def _joined(lines: list[str]) -> Iterator[str]:
    """Whole commands, without comments: those that end in a backslash, or within quotes, go on."""
    so_far = ""
    for line in lines:
        so_far = f"{so_far} {line.strip()}".strip()
        so_far = re.sub(r"(^|\s+)#.*", "", so_far)
        if so_far.endswith("\\"):
            so_far = so_far[:-1].strip()
        elif so_far and so_far.count('"') % 2 == 0:
            yield so_far
            so_far = ""
    if so_far:
        yield so_far


def _command(text: str) -> str:
    """The text as a command; empty if it is none."""
    words = [word for word in text.split() if not _ASSIGNMENT.fullmatch(word)] or [""]
    first = words[0]
    if first in PROGRAMS or first.startswith(PROGRAMS[-1]):
        return text if len(words) > 1 and text != "python -m" else ""
    is_program = "/" in first and os.access(ROOT / first, os.X_OK) and (ROOT / first).is_file()
    return text if is_program else ""
