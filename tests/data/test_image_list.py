"""Image lists: CSV files that name the images and their classes."""

import pytest

from fullglow_jax.data.file_pairs import find_pairs
from fullglow_jax.data.fitting import Fitting
from fullglow_jax.data.layouts import Images
from fullglow_jax.errors import UserError
from tests.data.test_single_images import write


@pytest.fixture
def root(tmp_path):
    write(tmp_path, "train/b.png", "train/sub/a.jpg", "c.png")
    return tmp_path


def listed(root, text, labels="", classes=(), encoding="utf-8"):
    (root / "train.csv").write_bytes(text.encode(encoding))
    layout = Images(root, "train", labels, "SPLIT.csv")
    return find_pairs(layout, None, Fitting((4, 4)), classes=classes)


def names(source):
    return [source.name(index) for index in range(len(source))]


def test_the_list_says_which_images_there_are_and_in_which_order(root):
    source = listed(root, ",name\n0,sub/a.jpg\n1,train/b.png\n2,c.png\n")
    assert names(source) == ["sub/a.jpg", "b.png", "c.png"]
    assert source.faults == ()
    assert "label" not in source[0]


def test_a_list_as_spreadsheets_write_it(root):
    text = 'name,"what, exactly"\r\n"b.png","a ""big"" cat"\r\n'
    source = listed(root, text, "what, exactly", ('a "big" cat',), "utf-8-sig")
    assert source[0]["label"] == 0
    assert [each.why for each in source.left_alone] == ["not named in train.csv"]


def test_classes_of_a_column(root):
    source = listed(root, "name,breed\nb.png,dog\nc.png,cat\n", "breed", ("cat", "dog"))
    assert [source[i]["label"] for i in range(2)] == [1, 0]


def test_classes_of_folders(root):
    source = listed(root, "name\nsub/a.jpg\n", "folders", ("sub",))
    assert source[0]["label"] == 0


@pytest.mark.parametrize(
    ("text", "labels", "said"),
    [
        ("", "", r"train\.csv is empty\. Expected a header with a column 'name'"),
        ("\n\n", "", r"train\.csv is empty\. Expected a header"),
        ("name\n", "", r"train\.csv names no image"),
        (",nam\n0,b.png\n", "", r"has no column 'name'.*'', 'nam'; did you mean 'nam'\?"),
        ("name,bred\nb.png,x\n", "breed", r"no column 'breed' \(config\.data\.labels.*'bred'\?"),
        ('name\n"b.png', "", r"train\.csv is no CSV file in UTF-8: unexpected end"),
        ("Name\nb.png\n", "", r"did you mean 'Name'\? It must be called 'name'"),
        ("name;breed\nb.png;cat\n", "", r"Save it with commas .* in place of semicolons"),
        ("name,name\nb.png,c.png\n", "", r"has 2 columns 'name'\. Keep one"),
        ("name,b\nb.png,cat, big\n", "b", r"line 2 has more fields than the header.*quotes"),
    ],
    ids=["empty", "blank", "no row", "no name", "no class", "quote", "case", ";", "2", "comma"],
)
def test_what_is_wrong_with_a_list_is_told(root, text, labels, said):
    with pytest.raises(UserError, match=said):
        listed(root, text, labels)


def test_other_encodings_and_missing_lists_are_told(root):
    with pytest.raises(UserError, match=r"train\.csv is no CSV file in UTF-8: .*decode"):
        listed(root, "name\nbé.png\n", encoding="latin-1")
    with pytest.raises(UserError, match=r"there is no file .*val\.csv, which is to name the image"):
        find_pairs(Images(root, "val", csv="SPLIT.csv"), None, Fitting((4, 4)))


def test_images_that_are_missing_or_named_twice_are_faults(root):
    text = "name\nb.png\nnone.png\ntrain/b.png\n\n../x\n" + "y" * 300 + "\n../train/b.png\n"
    source = listed(root, text)
    assert names(source) == ["b.png"]
    csv = root / "train.csv"
    assert [(fault.kind, fault.case) for fault in source.faults] == [
        ("images that a CSV names and that are not there", f"{csv}, line 3: none.png"),
        (
            "images that a CSV names twice",
            f"{csv}, line 4: train/b.png, which is there before ({csv}, line 2)",
        ),
        ("images that a CSV names and that are not there", f"{csv}, line 6: ../x"),
        ("images that a CSV names and that are not there", f"{csv}, line 7: {'y' * 300}"),
        (
            "images that a CSV names twice",
            f"{csv}, line 8: ../train/b.png, which is there before ({csv}, line 2)",
        ),
    ]


def test_a_list_of_all_splits_is_refused(root):
    with pytest.raises(UserError, match=r"csv='all\.csv' would be the same images in every split"):
        Images(root, "train", csv="all.csv")
