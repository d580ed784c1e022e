"""Files are read once before they are trained on, and what was found is remembered."""

import io
import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from fullglow_jax.config import default_config
from fullglow_jax.data import file_pairs
from fullglow_jax.data.layouts import AlignedPairs
from fullglow_jax.data.source import build_source
from fullglow_jax.errors import UserError

COUNT = 3


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write(tmp_path / "pairs")
    return tmp_path / "pairs"


def write(root, suffix=".png"):
    rng = np.random.default_rng(0)
    for split in ("train", "val"):
        (root / split).mkdir(parents=True, exist_ok=True)
        for i in range(COUNT):
            picture = Image.fromarray(rng.integers(0, 256, (8, 16, 3), np.uint8))
            picture.save(root / split / f"{i}{suffix}")


def config(root, **changes):
    data = default_config().data
    changes = {"name": "aligned_pairs", "root": str(root), "image_size": (4, 4), **changes}
    data.update(changes)
    return data


def build(root, **changes):
    return build_source(config(root, **changes), "train")


def spoil(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)


def test_a_bad_file_is_refused_before_it_is_read_for_training(root):
    spoil(root / "train" / "1.png")
    with pytest.raises(UserError, match="images that cannot be used: 1") as caught:
        build(root)
    assert str(root / "train" / "1.png") in str(caught.value)


def test_what_was_read_in_another_way_is_read_again(root, monkeypatch, capsys):
    build(root)
    build(root)
    assert capsys.readouterr().out.count("checking train 3/3") == 1
    monkeypatch.setattr(file_pairs, "VERSION", file_pairs.VERSION + 1)
    build(root)
    assert "checking train 3/3" in capsys.readouterr().out


def test_or_left_out(root):
    spoil(root / "train" / "1.png")
    source = build(root, on_bad_file="skip")
    assert [pair["name"] for pair in source] == ["0", "2"]
    assert len(source.faults) == 1


def test_of_two_images_of_one_name_the_bad_one_is_left_out(root):
    (root / "train" / "1.jpg").write_text("not an image")
    assert [pair["name"] for pair in build(root, on_bad_file="skip")] == ["0", "1", "2"]


def test_nothing_is_left(root):
    for i in range(COUNT):
        spoil(root / "train" / f"{i}.png")
    with pytest.raises(UserError, match=f"images that cannot be used: {COUNT}"):
        build(root, on_bad_file="skip")


@pytest.fixture
def reads(monkeypatch):
    """Names of what was decoded."""
    names = []
    read = AlignedPairs.read

    def counted(self, pair, parts):
        names.append(pair.name)
        return read(self, pair, parts)

    monkeypatch.setattr(AlignedPairs, "read", counted)
    return names


def test_files_are_read_once(root, reads):
    build(root)
    assert sorted(reads) == ["0", "1", "2"]
    build(root)
    assert len(reads) == COUNT


def test_and_again_when_one_has_changed(root, reads):
    build(root)
    spoil(root / "train" / "1.png")
    for _ in range(2):  # a bad one is remembered too
        with pytest.raises(UserError, match="cannot be used"):
            build(root)
    assert len(reads) == 2 * COUNT
    Image.new("RGB", (16, 8)).save(root / "train" / "1.png")
    assert len(build(root)) == COUNT


def test_damaged_memory_is_no_memory(root, reads, tmp_path):
    build(root)
    [memory] = (tmp_path / "cache").rglob("*.json")
    memory.write_text("{")
    assert len(build(root)) == COUNT
    assert len(reads) == 2 * COUNT


def test_a_cache_folder_that_cannot_be_written(root, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert len(build(root)) == COUNT


def encoded(kind):
    pixels = np.random.default_rng(1).integers(0, 256, (8, 16, 3), np.uint8)
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, kind)
    return content.getvalue()


KINDS = {kind: encoded(kind) for kind in ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF")}


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_no_damage_ends_in_anything_else(root, data):
    """Whatever lies there, of whatever kind: it is a pair, or is left out and named."""
    content = bytearray(data.draw(st.sampled_from(sorted(KINDS.values()))))
    for position in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=5)):
        content[position] = data.draw(st.integers(0, 255))
    length = data.draw(st.one_of(st.just(len(content)), st.integers(0, len(content))))
    suffix = data.draw(st.sampled_from([".png", ".JPG", ".tif", ".webp"]))
    path = root / "train" / f"odd{suffix}"
    path.write_bytes(content[:length])
    try:
        source = build(root, on_bad_file="skip")
        names = [pair["name"] for pair in source]
        assert names in (["0", "1", "2", "odd"], ["0", "1", "2"])
        assert ("odd" in names) == (not source.faults)
        assert all(re.search(r"odd\.", fault.case) for fault in source.faults)
    finally:
        path.unlink()
