"""Text output to a terminal, a pipe or a file."""

import io
import sys

ESCAPED = "backslashreplace"
"""The error handler for characters without a code."""


def show_any_text() -> None:
    """Lets standard output and error escape characters without a code, instead of failing.

    A latin-1 terminal has no "→", and a file's name may have bytes that are not text.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # it may be None, or replaced
            stream.reconfigure(errors=ESCAPED)


def escaped(text: str, encoding: str) -> str:
    """The text, with escapes for characters without a code in an encoding."""
    return text.encode(encoding, ESCAPED).decode(encoding)


def in_utf8(text: str) -> bytes:
    """A text file's content; names in it may have bytes that are not text."""
    return text.encode(errors=ESCAPED)
