"""A hook of mkdocs: pages for what the documents name outside docs/, and for notebooks.

Documents link to files of the repository by relative paths, which work wherever the repository is
looked at. In the site, such a link leads to a page with the file's text.
"""

import json
import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]

FOLDER = "repository"
"""Folder of the site for the pages of repository files."""

LANGUAGES = {".py": "python", ".sh": "bash", ".toml": "toml", ".yml": "yaml"}

_CODE = r"^ *(?P<fence>`{3,}).*?^ *(?P=fence) *$"
_LINK = re.compile(
    _CODE + r"|(?<=\]\()(?P<path>[^)#:\s]+)(?P<anchor>#[^)\s]*)?(?=\))", re.MULTILINE | re.DOTALL
)
"""A link; or a block of code, in which there are none."""

_ALWAYS = ("CONTRIBUTING.md",)
"""Files that the navigation names."""


def on_files(files: Files, config: Any) -> Files:
    """Adds the pages that documents link to, and those that these link to."""
    for notebook in sorted((ROOT / "docs").glob("*.ipynb")):
        files.append(File.generated(config, f"{notebook.stem}.md", content=_cells(notebook)))
    waiting = [
        *_ALWAYS,
        *(path for page in files.documentation_pages() for path in _outside(page)),
    ]
    known: set[str] = set()
    while waiting:
        path = waiting.pop()
        if path in known:
            continue
        known.add(path)
        page = File.generated(config, _page_of(path), content=_text(path))
        files.append(page)
        waiting += _outside(page)
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Turns links to files outside docs/ into links to their pages."""
    del config, files

    def link(match: re.Match[str]) -> str:
        if match["fence"]:
            return match[0]
        target = _page_of(_target(page.file.src_uri, match["path"]))
        here = posixpath.dirname(page.file.src_uri)
        return posixpath.relpath(target, here or ".") + (match["anchor"] or "")

    return _LINK.sub(link, markdown)


def _outside(page: File) -> list[str]:
    """The files outside docs/ that a page links to, relative to the repository."""
    links = (match["path"] for match in _LINK.finditer(page.content_string))
    found = (_target(page.src_uri, link) for link in links if link)
    return [path for path in found if _is_outside(path)]


def _target(page: str, link: str) -> str:
    """The path of a link's target, relative to the repository.

    Args:
        page: The path of the page in the site.
        link: The relative link in it.
    """
    here = page.removeprefix(f"{FOLDER}/") if page.startswith(f"{FOLDER}/") else f"docs/{page}"
    return posixpath.normpath(posixpath.join(posixpath.dirname(here), link))


def _is_outside(path: str) -> bool:
    return not path.startswith("docs/")


def _page_of(path: str) -> str:
    """The path in the site of a file of the repository."""
    if _is_outside(path):
        return f"{FOLDER}/{path.removesuffix('.md')}.md"
    inside = path.removeprefix("docs/")
    return inside.removesuffix(".ipynb") + ".md" if inside.endswith(".ipynb") else inside


def _text(path: str) -> str:
    """A file of the repository as a page.

    Raises:
        PluginError: If there is no such file.
    """
    file = ROOT / path
    if not file.is_file():
        raise PluginError(f"a document links to {path}, and there is no such file.")
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".md":
        return text
    return f"# {path}\n\n{_fenced(text, LANGUAGES.get(file.suffix, 'text'))}"


def _cells(notebook: Path) -> str:
    """A notebook's cells as a page; their outputs are not stored."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    texts = [("".join(cell["source"]), cell["cell_type"] == "code") for cell in cells]
    return "\n\n".join(_fenced(text, "python") if code else text for text, code in texts)


def _fenced(text: str, language: str) -> str:
    return f"````` {{.{language}}}\n{text.rstrip()}\n`````\n"
