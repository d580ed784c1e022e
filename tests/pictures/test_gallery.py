import os
from html.parser import HTMLParser
from urllib.parse import unquote, urljoin, urlsplit

import numpy as np
import pytest

from fullglow_jax.errors import UserError
from fullglow_jax.pictures import gallery as module
from fullglow_jax.pictures.gallery import Row, gallery
from fullglow_jax.sampling.album import Album

NAME = "b <i>& 'c'\" #1"


class Page(HTMLParser):
    """What a browser would see of it."""

    def __init__(self, html):
        super().__init__()
        self.sources, self.keys, self.tags = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        attributes = dict(attributes)
        if attributes.get("src"):
            self.sources.append(attributes["src"])
        if "data-key" in attributes:
            self.keys.append(attributes["data-key"])


@pytest.fixture
def album(tmp_path):
    album = Album(tmp_path / "out")
    for name in ("a", NAME, "deep/c"):
        album.save(f"{name}.png", np.zeros((2, 3, 3), np.uint8))
    return album


ROWS = [Row("a", ["a.png", None], 0.5), Row(NAME, [f"{NAME}.png", "deep/c.png"], 12.0)]


def test_small_pictures_are_in_the_page(album):
    html = gallery(album.folder, "T<", ["one", "two"], ROWS, "error")
    page = Page(html)
    assert len(page.sources) == 3
    assert all(source.startswith("data:image/png;base64,iVBOR") for source in page.sources)
    assert page.keys == ["a", "0.5", NAME, "12"]
    assert "T&lt;" in html
    assert "i" not in page.tags
    assert page.tags.count("td") == 2 * 3


def test_large_ones_lie_beside_it(album, monkeypatch):
    monkeypatch.setattr(module, "MOST_EMBEDDED", 10)
    page = Page(gallery(album.folder, "T", ["one", "two"], ROWS))
    assert page.sources == ["a.png", "b%20%3Ci%3E%26%20%27c%27%22%20%231.png", "deep/c.png"]
    assert page.keys == ["a", NAME]


@pytest.mark.parametrize(
    "name", ["a#b%20", "a?b=c&d", "my photo (1)", "🚗", "12:30:05", "é", "a+b", '"<']
)
def test_links_lead_to_the_files(tmp_path, monkeypatch, name):
    """As a browser follows them."""
    monkeypatch.setattr(module, "MOST_EMBEDDED", 0)
    album = Album(tmp_path)
    file = album.save(f"round_1/{name}.png", np.zeros((2, 3, 3), np.uint8))
    album.finish("T", ["one"], [Row(name, [file])])
    (source,) = Page((tmp_path / "index.html").read_text()).sources
    address = urlsplit(urljoin((tmp_path / "index.html").as_uri(), source))
    assert (address.query, address.fragment) == ("", "")
    assert unquote(address.path) == str(tmp_path / file)


def test_names_that_are_no_text(album, monkeypatch):
    monkeypatch.setattr(module, "MOST_EMBEDDED", 10)
    name = os.fsdecode(b"caf\xe9")
    album.save(f"{name}.png", np.zeros((2, 3, 3), np.uint8))
    album.finish(name, ["one"], [Row(name, [f"{name}.png"])])
    page = Page((album.folder / "index.html").read_text(encoding="utf-8"))
    assert page.sources == ["caf%E9.png"]
    assert page.keys == [r"caf\udce9"]


def test_nothing_from_elsewhere(album):
    html = gallery(album.folder, "T", ["one", "two"], ROWS)
    assert not {"link", "iframe"} & set(Page(html).tags)
    assert "://" not in html


def test_whole_pictures_are_told_from_others(album):
    assert album.has("a.png", (2, 3))
    assert not album.has("a.png", (3, 2))
    assert not album.has("b.png", (2, 3))
    path = album.folder / "a.png"
    path.write_bytes(path.read_bytes()[:-20])
    assert not album.has("a.png", (2, 3))
    assert [path.name for path in album.folder.rglob("*.tmp")] == []


def test_pixels_that_are_not_numbers_are_counted(album):
    album.save("d.png", np.full((2, 3, 3), np.nan, np.float32))
    album.save("e.png", np.full((2, 3, 3), 0.5, np.float32))
    assert album.overflowed == 1


def test_what_cannot_be_written_is_told(album):
    with pytest.raises(UserError, match=r"a\.png/b\.png cannot be written"):
        album.save("a.png/b.png", np.zeros((2, 3, 3), np.uint8))
    with pytest.raises(UserError, match="cannot be written to"):
        Album(album.folder / "a.png")
