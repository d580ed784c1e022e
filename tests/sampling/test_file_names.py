"""Names of files: no two the same, none outside its folder, none too long."""

import unicodedata

import pytest

from fullglow_jax.sampling.file_names import LONGEST_STEM, FileNames, cut, file_stem

LONG = "ü" * 200


def names(*of_pairs):
    ask = FileNames()
    return [ask(name) for name in of_pairs]


def test_what_can_be_kept_is():
    kept = ["a", "b/a", "Main St, 5th", "a#b%20?", "12:30:05", "🚗", "x" * 251, "a.b", "A_2/b..c"]
    assert names(*kept) == kept


@pytest.mark.parametrize(
    "of_pairs",
    [
        ("a", "a", "a__2"),
        ("a__2", "a", "a", "a__2"),
        ("a", "a__2", "a", "a__3", "a"),
        ("b/a", "./b/a", "b/../b/a", "/b/a"),
        ("..", ".", "/", "", "../..", "unnamed"),
        ("a", "A", "b/A", "B/a"),
        ("straße", "STRASSE"),
        (LONG, LONG + "x", LONG),
        ("x" * 251, "x" * 252, "x" * 253),
        tuple(unicodedata.normalize(form, "é/é") for form in ("NFC", "NFD")),
        ("a\udce9", "a\udce8", "a\nb", "a\tb", "a\0b"),
        (".hidden", "_.hidden", "a/.hidden", ".a/..b"),
        ("a",) * 1000,
    ],
    ids=lambda of_pairs: ascii(of_pairs)[:40],
)
def test_names_that_are_alike_or_no_file_s(of_pairs, tmp_path):
    found = names(*of_pairs)
    # Not even where upper and lower case are the same, as on macOS and Windows.
    assert len({name.casefold() for name in found}) == len(of_pairs)
    for name in found:
        assert unicodedata.is_normalized("NFC", name)
        for part in name.split("/"):
            assert part
            assert not part.startswith(".")
            assert len(part.encode()) <= 251
        path = tmp_path / f"{name}.png"
        assert tmp_path in path.resolve().parents
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(exist_ok=False)


def test_the_same_names_in_the_same_order():
    assert names("a", "a", "a__2") == ["a", "a__2", "a__2__2"]
    assert names("..") == ["unnamed"]


@pytest.mark.parametrize("most", range(12))
def test_cut_at_the_end_of_a_character(most):
    text = "aü🚗b"  # 1, 2, 4 and 1 bytes
    cuts = [cut(text, n) for n in range(12)]
    assert cuts == ["", "a", "a"] + ["aü"] * 4 + ["aü🚗"] + [text] * 4
    assert len(cuts[most].encode()) <= most


def test_stems():
    assert file_stem(7, "a/b", "onto", "c") == "007_a_b__onto__c"
    assert file_stem(1234, "..") == "1234_.."
    assert file_stem(0, "\udce9\n") == "000_\ufffd_"


def test_stems_of_long_names_leave_room_for_what_follows(tmp_path):
    """On the place alone they differ, so that no two rows' files are the same."""
    stems = [file_stem(place, LONG, "to", f"{LONG}{place}", "conditions") for place in (3, 4)]
    assert stems[0] != stems[1]
    for stem in stems:
        assert stem.endswith("__conditions")
        assert stem.count("__") == 3
        assert len(stem.encode()) <= LONGEST_STEM + 4 + 3 * len("__")
        (tmp_path / f"{stem}__T0.333333__000.png").touch()
    short = file_stem(0, "a", "onto", LONG)
    assert short.startswith("000_a__onto__üüü")  # the longest is cut
    assert len(short.encode()) >= LONGEST_STEM
