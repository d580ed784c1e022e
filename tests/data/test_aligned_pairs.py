import re

import numpy as np
import pytest
from PIL import Image

from fullglow_jax.data.file_pairs import find_pairs
from fullglow_jax.data.fitting import Fitting
from fullglow_jax.data.layouts import AlignedPairs
from fullglow_jax.errors import UserError
from fullglow_jax.models.annotations import Annotations

SIZE = (6, 4)
A = np.arange(6 * 4 * 3, dtype=np.uint8).reshape(6, 4, 3)
B = 255 - A


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "facades" / "train"
    folder.mkdir(parents=True)
    for name in ("2.png", "10 ü.PNG", ".hidden.png"):
        Image.fromarray(np.hstack([A, B])).save(folder / name)
    (folder / "ORDER.txt").write_text("not an image")
    return tmp_path / "facades"


@pytest.mark.parametrize(
    ("direction", "condition", "target"), [("AtoB", A, B), ("BtoA", B, A), (None, A, B)]
)
def test_halves(root, direction, condition, target):
    source = find_pairs(AlignedPairs(root, "train"), direction, Fitting(SIZE))
    assert [pair["name"] for pair in source] == ["10 ü", "2"]
    for pair in source:
        np.testing.assert_array_equal(pair["condition"], condition)
        np.testing.assert_array_equal(pair["target"], target)


def test_links_and_other_kinds_of_image(root, tmp_path):
    grey = Image.fromarray(np.hstack([A, B])).convert("L")
    grey.save(tmp_path / "elsewhere.jpg")
    (root / "train" / "link.jpg").symlink_to(tmp_path / "elsewhere.jpg")
    assert "link" in [
        pair["name"] for pair in find_pairs(AlignedPairs(root, "train"), None, Fitting(SIZE))
    ]


def test_no_folder_for_the_split(root):
    expected = re.escape(f"{root} has no folder 'val' in it; expected {root / 'val'}/NAME.jpg")
    with pytest.raises(UserError, match=expected):
        find_pairs(AlignedPairs(root, "val"), None, Fitting(SIZE))


def test_empty_split(root):
    (root / "val").mkdir()
    with pytest.raises(UserError, match="the split 'val' is empty"):
        find_pairs(AlignedPairs(root, "val"), None, Fitting(SIZE))


def test_a_width_that_is_odd(root):
    Image.new("RGB", (7, 4)).save(root / "train" / "odd.png")
    source = find_pairs(AlignedPairs(root, "train"), None, Fitting(SIZE))
    with pytest.raises(UserError, match=r"odd\.png is 7 pixels wide"):
        list(source)


def test_boundaries_are_refused(root):
    with pytest.raises(UserError, match=r"boundary maps, which this data does not have"):
        find_pairs(
            AlignedPairs(root, "train"), None, Fitting(SIZE), annotations=Annotations("smooth")
        )
