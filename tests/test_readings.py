import pytest

from fullglow_jax.readings import readings


@pytest.mark.parametrize(
    ("text", "ways"),
    [
        ("a", [("a",)]),
        ("x", []),
        ("a:b", [("a", "b")]),
        ("a:b:c", [("a", "b", "c"), ("a:b", "c")]),
        ("c:a:b", [("c", "a:b"), ("c", "a", "b")]),
        ("b:c:a", [("b", "c", "a")]),
        ("c:x", []),
        ("c:", []),
        ("", []),
    ],
)
def test_readings(text, ways):
    known = {"a", "b", "c", "a:b"}.__contains__
    whole = [("a:b",)] if text == "a:b" else []
    assert sorted(readings(text, ":", known)) == sorted(ways + whole)
    few = [way for way in ways + whole if len(way) <= 2]
    assert sorted(readings(text, ":", known, most=2)) == sorted(few)
