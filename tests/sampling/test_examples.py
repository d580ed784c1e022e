"""Which pairs a user means, whatever names pairs and files have."""

import unicodedata

import numpy as np
import pytest
from PIL import Image

from fullglow_jax.config import default_config
from fullglow_jax.errors import UserError
from fullglow_jax.model_registry import build_architecture
from fullglow_jax.sampling.examples import Examples

NUMBERS = [str(number) for number in range(1, 13)]
ODD = [
    "12:30:05",
    "Main St, 5th",
    "a#b%20",
    "emoji 🚗",
    "my photo (1)",
    "München",
    "a",
    "b:a",
    "a:b",
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((10, 10, 3), value, np.uint8)).save(path, "PNG")


@pytest.fixture
def examples(folder):
    """Of a split with pairs of these names, each grey as its place among them."""

    def make(names):
        for place, name in enumerate(names):
            for part in "AB":
                write(folder / "val" / part / f"{name}.png", place)
        config = default_config()
        config.data.update(name="two_folders", root=str(folder), image_size=(10, 10))
        config.model.update(steps=(1,))
        return Examples(config, "val", build_architecture(config))

    return make


def grey(example):
    return int(example.pair["condition"][0, 0, 0])


def test_a_name_goes_before_a_number_and_a_number_before_a_file(examples, folder):
    for name in ("10", "99"):
        write(folder / name, 200)
    found = examples(NUMBERS)
    assert [found.find(name).name for name in ("10", "2", "1", "12")] == ["10", "2", "1", "12"]
    assert [example.name for example in found.couple("10:2")] == ["10", "2"]
    assert found.find("0").name == "1"  # no pair's name: the first in the split's order
    assert grey(found.find("./10")) == grey(found.find("99")) == 200


def test_numbers_count_in_the_order_that_is_shown(examples):
    found = examples(["z", "y", "x"])
    shown = [example.name for example in found.first(3)]
    assert [found.find(str(number)).name for number in range(3)] == shown
    with pytest.raises(UserError, match="the split 'val' has 3 pairs, counted from 0"):
        found.find("3")
    with pytest.raises(UserError, match="no pair of this name"):
        found.find("9" * 5000)


@pytest.mark.parametrize("name", ODD)
def test_any_name_can_be_named(examples, name):
    found = examples(ODD)
    assert found.find(name).name == name
    for other in ("Main St, 5th", "München", "12:30:05"):
        assert [e.name for e in found.couple(f"{name}:{other}")] == [name, other]
        assert [e.name for e in found.couple(f"{other}:{name}")] == [other, name]


def test_what_may_mean_several_couples_is_refused(examples):
    found = examples(ODD)
    with pytest.raises(UserError, match=r"may mean 'a' : 'b:a' or 'a:b' : 'a'\. Name a pair by"):
        found.couple("a:b:a")
    number = found.names.index("a:b")
    assert [e.name for e in found.couple(f"{number}:a")] == ["a:b", "a"]


@pytest.mark.parametrize("text", ["a", "12:30:05", ":a", "a:", ":", ""])
def test_what_is_no_couple(examples, text):
    with pytest.raises(UserError, match="expected two with a colon between"):
        examples(ODD).couple(text)


def test_a_slip_in_one_of_two_names(examples):
    found = examples(ODD)
    for text in ("12:30:05:Main St, 6th", "Main St, 6th:12:30:05"):
        with pytest.raises(UserError, match=r"Main St, 6th: .*did you mean 'Main St, 5th'"):
            found.couple(text)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("asked", ["NFC", "NFD"])
def test_names_compare_as_people_see_them(examples, form, asked):
    found = examples([unicodedata.normalize(form, "Zürich/é"), "other"])
    assert grey(found.find(unicodedata.normalize(asked, "Zürich/é"))) == 0
    text = unicodedata.normalize(asked, "other:Zürich/é")
    assert list(map(grey, found.couple(text))) == [1, 0]


def test_files_with_commas_and_colons_in_their_names(examples, folder):
    found = examples(["x"])
    for value, name in enumerate(("5th, Main.png", "12:30.png", "plain.png"), 100):
        write(folder / name, value)
    assert grey(found.find("5th, Main.png")) == 100
    assert not found.find("5th, Main.png").has_target
    pair = found.find("12:30.png,5th, Main.png")
    assert (grey(pair), pair.pair["target"][0, 0, 0], pair.name) == (101, 100, "5th, Main")
    couple = found.couple("plain.png,12:30.png:5th, Main.png,plain.png")
    assert list(map(grey, couple)) == [102, 100]
    assert not found.find("plain.png,").has_target
    with pytest.raises(UserError, match="expected files COND"):
        found.find("plain.png,plain.png,plain.png")
    with pytest.raises(UserError, match=r"there is no file missing\.png, and no pair"):
        found.find("plain.png,missing.png")


def test_files_that_may_be_meant_in_two_ways(examples, folder):
    found = examples(["x"])
    for name in ("a", "b", "a,b"):
        write(folder / name, 0)
    with pytest.raises(UserError, match=r"--pair a,b may mean 'a,b' or 'a' , 'b'\. Name the files"):
        found.find("a,b")
    assert not found.find("./a,").has_target


def test_files_need_no_data(examples, folder):
    found = examples([])
    write(folder / "7", 9)
    write(folder / "a.png", 8)
    assert grey(found.find("7")) == 9
    assert list(map(grey, found.couple("a.png:7,a.png"))) == [8, 9]
    for text in ("b.png", "3", "a.png,b.png"):
        with pytest.raises(
            UserError, match=r"there is no file (b\.png|3), and no data: the folder"
        ):
            found.find(text)


def test_a_text_longer_than_any_files_name(examples):
    with pytest.raises(UserError, match="no pair of this name"):
        examples(["x"]).find("y" * 5000)
