"""Which folders a comparison is of."""

from pathlib import Path

import pytest

from fullglow_jax.errors import UserError
from fullglow_jax.evaluation.comparison import folders_of


@pytest.mark.parametrize(
    ("text", "folders"),
    [
        ("a", ["a"]),
        ("a,b", ["a", "b"]),
        ("Main St, 5th", ["Main St, 5th"]),
        ("b,Main St, 5th,a", ["b", "Main St, 5th", "a"]),
        ('"Main St, 5th",a', ["Main St, 5th", "a"]),
        ("a, b", ["a", "b"]),
        ("a,missing", ["a", "missing"]),
    ],
)
def test_folders(tmp_path, monkeypatch, text, folders):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b", "Main St, 5th"):
        (tmp_path / name).mkdir()
    assert folders_of(text) == list(map(Path, folders))


def test_what_may_mean_several(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b", "a,b"):
        (tmp_path / name).mkdir()
    with pytest.raises(UserError, match="--compare a,b may mean 'a,b' or 'a' , 'b'"):
        folders_of("a,b")
    assert folders_of("a/,b") == [Path("a"), Path("b")]
    assert folders_of('"a,b",b') == [Path("a,b"), Path("b")]
