"""Pages of pictures in rows, which need nothing but their folder."""

import os
from base64 import b64encode
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

MOST_EMBEDDED = 8 * 2**20
"""Up to so many bytes, all pictures are put into the page itself, which can then be sent around;
beyond it, the page links to the files beside it, and loads those that come into view."""


class Row(NamedTuple):
    """Pictures that belong together.

    Attributes:
        name: The row's name.
        files: The pictures' files, relative to the page's folder; None leaves a place empty.
        value: A figure to sort by.
    """

    name: str
    files: Sequence[str | None]
    value: float | None = None


def gallery(
    folder: Path, title: str, columns: Sequence[str], rows: Sequence[Row], value: str = ""
) -> str:
    """The page, sortable by name and by value; a click enlarges a picture.

    Args:
        folder: The folder of the files and of the page.
        title: Title of the page.
        columns: A title for each of a row's pictures.
        rows: The rows.
        value: Name of the rows' values; empty if they have none.

    Returns:
        HTML without any outside resource.
    """
    files = {file for row in rows for file in row.files if file is not None}
    embed = sum((folder / file).stat().st_size for file in files) <= MOST_EMBEDDED

    def source(file: str) -> str:
        if not embed:
            return quote(os.fsencode(file))
        return "data:image/png;base64," + b64encode((folder / file).read_bytes()).decode()

    def cell(row: Row, column: str, file: str | None) -> str:
        if file is None:
            return "<td></td>"
        caption = escape(f"{row.name}: {column}")
        return (
            f'<td><button class="picture" title="{caption}"><img loading="lazy" '
            f'src="{source(file)}" alt="{caption}"></button></td>'
        )

    body = []
    for row in rows:
        cells = "".join(map(cell, [row] * len(columns), columns, row.files))
        figure = "" if row.value is None else f"{row.value:.3g}"
        value_cell = f'<td data-key="{figure}">{figure}</td>' if value else ""
        name = escape(row.name)
        body.append(f'<tr><th data-key="{name}">{name}</th>{value_cell}{cells}</tr>')
    sortable = ["name", value] if value else ["name"]
    head = "".join(
        f'<th><button class="sort" data-column="{column}">{escape(by)}</button></th>'
        for column, by in enumerate(sortable)
    )
    head += "".join(f"<th>{escape(column)}</th>" for column in columns)
    return _PAGE.format(title=escape(title), head=head, body="\n".join(body))


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 14px system-ui, sans-serif; margin: 1rem; color: #222; background: #fff }}
h1 {{ font-size: 1.1rem }}
table {{ border-collapse: collapse }}
th, td {{ padding: 2px 4px; text-align: left; font-weight: normal }}
thead th {{ position: sticky; top: 0; background: #fff }}
button {{ border: 0; padding: 0; background: none; font: inherit }}
.sort {{ cursor: pointer; text-decoration: underline }}
.picture {{ cursor: zoom-in; display: block }}
.picture img {{ display: block; width: 200px; image-rendering: pixelated }}
dialog {{ border: 0; padding: 8px; max-width: 96vw; max-height: 96vh; cursor: zoom-out }}
dialog img {{ width: 90vw; height: 84vh; object-fit: contain; image-rendering: pixelated }}
</style>
<h1>{title}</h1>
<table>
<thead><tr>{head}</tr></thead>
<tbody>
{body}
</tbody>
</table>
<dialog><img alt=""><div></div></dialog>
<script>
const table = document.querySelector("tbody"), large = document.querySelector("dialog");
const order = new Intl.Collator(undefined, {{ numeric: true }});
function compare(a, b) {{
  const [x, y] = [Number(a), Number(b)];
  return a && b && !isNaN(x) && !isNaN(y) ? x - y : order.compare(a, b);
}}
document.querySelectorAll(".sort").forEach(button => {{
  let up = button.dataset.column !== "0";  // the page comes sorted by name
  button.onclick = () => {{
    const key = row => row.children[button.dataset.column].dataset.key;
    const rows = [...table.rows].sort((a, b) => (up ? 1 : -1) * compare(key(a), key(b)));
    up = !up;
    table.append(...rows);
  }};
}});
table.onclick = event => {{
  const picture = event.target.closest(".picture");
  if (!picture) return;
  large.querySelector("img").src = picture.firstChild.src;
  large.querySelector("div").textContent = picture.title;
  large.showModal();
}};
large.onclick = () => large.close();
</script>
</html>
"""
