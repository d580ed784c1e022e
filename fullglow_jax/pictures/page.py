"""Pages of tables and pictures in a single file."""

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from fullglow_jax.pictures.table import Table


class Section(NamedTuple):
    """A part of the page.

    Attributes:
        title: Its title.
        content: A table, or a PNG file's bytes.
    """

    title: str
    content: Table | bytes


def page(title: str, about: str, sections: Sequence[Section]) -> str:
    """HTML without outside resources: a title, a sentence about the content, and the sections."""
    parts = [
        f"<section><h2>{escape(section.title)}</h2>{_html(section)}</section>"
        for section in sections
    ]
    return _PAGE.format(title=escape(title), about=escape(about), parts="\n".join(parts))


def _html(section: Section) -> str:
    content = section.content
    if isinstance(content, bytes):
        data = b64encode(content).decode()
        return f'<img src="data:image/png;base64,{data}" alt="{escape(section.title)}">'
    head = "".join(f"<th>{escape(column)}</th>" for column in content.header)
    rows = "\n".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
        for row in content.rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table>"


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 15px/1.4 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem;
  color: #222; background: #fff }}
h1 {{ font-size: 1.4rem }}
h2 {{ font-size: 1.1rem; margin-top: 2rem }}
section {{ overflow-x: auto }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums }}
th, td {{ padding: 3px 12px; text-align: right; border-bottom: 1px solid #ddd;
  white-space: nowrap }}
th:first-child, td:first-child {{ text-align: left }}
thead th {{ border-bottom: 2px solid #222; font-weight: 600 }}
img {{ max-width: 100%; height: auto }}
</style>
<h1>{title}</h1>
<p>{about}</p>
{parts}
</html>
"""
