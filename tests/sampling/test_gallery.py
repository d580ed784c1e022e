from html.parser import HTMLParser

import numpy as np
import pytest

from fullglow_jax.errors import UserError
from fullglow_jax.sampling import gallery as module
from fullglow_jax.sampling.album import Album
from fullglow_jax.sampling.gallery import Row, gallery

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
    with pytest.raises(UserError, match="cannot be made"):
        Album(album.folder / "a.png")
