"""Tables of texts, on the terminal and in documents."""

from typing import NamedTuple

import rich.box
import rich.table
from rich.console import Console
from rich.text import Text


class Table(NamedTuple):
    """Rows of text under a header.

    Attributes:
        header: Titles of the columns.
        rows: Rows, each as long as the header.
    """

    header: tuple[str, ...]
    rows: list[tuple[str, ...]]


def show(table: Table, title: str) -> None:
    """Prints a table."""
    # As `Text`: brackets in a name are not markup.
    shown = rich.table.Table(*table.header, title=Text(title), box=rich.box.SIMPLE)
    for row in table.rows:
        shown.add_row(*map(Text, row))
    console = Console()
    if not console.is_terminal:
        console.width = 140
    console.print(shown)


def markdown(table: Table) -> str:
    """A table for a document."""
    lines = [f"| {' | '.join(table.header)} |", "|---" * len(table.header) + "|"]
    lines += [f"| {' | '.join(c.replace('|', chr(92) + '|') for c in row)} |" for row in table.rows]
    return "\n".join(lines) + "\n"
