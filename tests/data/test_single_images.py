import numpy as np
import pytest
from PIL import Image

from fullglow_jax.data.file_pairs import find_pairs
from fullglow_jax.data.fitting import Fitting
from fullglow_jax.data.layouts import Images
from fullglow_jax.errors import UserError
from fullglow_jax.models.annotations import Annotations


def write(root, *names):
    for i, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4), (i, 2 * i, 3 * i)).save(path)


def test_every_image_below_the_split_is_condition_and_target(tmp_path):
    write(tmp_path, "train/b.png", "train/a folder/ü.PNG", "train/b.bmp", "val/c.png")
    (tmp_path / "train" / "notes.txt").write_text("no image")
    (tmp_path / "train" / "._b.png").write_text("macOS")
    source = find_pairs(Images(tmp_path, "train"), None, Fitting((4, 4)))
    assert source.faults == ()
    assert [pair["name"] for pair in map(source.__getitem__, range(len(source)))] == [
        "a folder/ü.PNG",
        "b.bmp",
        "b.png",
    ]
    for index, level in enumerate((1, 2, 0)):
        np.testing.assert_array_equal(source[index]["target"][0, 0], [level, 2 * level, 3 * level])
        np.testing.assert_array_equal(source[index]["condition"], source[index]["target"])


def test_a_missing_or_empty_split_is_told(tmp_path):
    with pytest.raises(UserError, match="has no folder 'train' in it"):
        find_pairs(Images(tmp_path, "train"), None, Fitting((4, 4)))
    (tmp_path / "train").mkdir()
    with pytest.raises(UserError, match="the split 'train' is empty"):
        find_pairs(Images(tmp_path, "train"), None, Fitting((4, 4)))


def test_there_are_no_boundaries(tmp_path):
    write(tmp_path, "train/b.png")
    with pytest.raises(UserError, match="boundary maps, which this data does not have"):
        find_pairs(
            Images(tmp_path, "train"), None, Fitting((4, 4)), annotations=Annotations("smooth")
        )
