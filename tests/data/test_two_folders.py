import pytest
from PIL import Image

from fullglow_jax.data.faults import described
from fullglow_jax.data.file_pairs import find_pairs
from fullglow_jax.data.fitting import Fitting
from fullglow_jax.data.layouts import TwoFolders
from fullglow_jax.errors import UserError

SIZE = (4, 4)


def write(root, name, value, size=(4, 4)):
    path = root / "train" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value, value, value)).save(path)
    return path


@pytest.fixture
def root(tmp_path):
    for i, name in enumerate(["ulm/1", "ulm/2", "aachen/1"]):
        write(tmp_path, f"labels/{name}.png", i)
        write(tmp_path, f"photos/{name}.bmp", 100 + i)
    return tmp_path


def pairs(root, direction="AtoB", folders=("labels", "photos")):
    return find_pairs(TwoFolders(root, "train", folders), direction, Fitting(SIZE))


@pytest.mark.parametrize("direction", ["AtoB", "BtoA"])
def test_pairs_by_name_whatever_the_suffix(root, direction):
    found = [
        (p["name"], int(p["condition"].max()), int(p["target"].max()))
        for p in pairs(root, direction)
    ]
    expected = [("aachen/1", 2, 102), ("ulm/1", 0, 100), ("ulm/2", 1, 101)]
    assert found == [(n, a, b) if direction == "AtoB" else (n, b, a) for n, a, b in expected]


def test_images_without_partner(root):
    lonely = [write(root, "labels/ulm/3.png", 0), write(root, "photos/4.png", 0)]
    source = pairs(root)
    assert len(source) == 3
    told = described(source.faults)
    assert f"images in labels without one in photos: 1\n  {lonely[0]} needs" in told
    assert f"images in photos without one in labels: 1\n  {lonely[1]} needs" in told


def test_two_files_of_one_name(root):
    write(root, "labels/ulm/1.gif", 7)
    told = described(pairs(root).faults)
    assert "images that differ in their suffix alone: 1" in told
    assert "1.gif" in told


def test_folder_that_is_missing(root):
    with pytest.raises(UserError, match=r"targets does not exist.*--config\.data\.folders"):
        pairs(root, folders=("labels", "targets"))


def test_empty_folders(root):
    for name in ("a", "b"):
        (root / "train" / name).mkdir()
    with pytest.raises(UserError, match="the split 'train' is empty"):
        pairs(root, folders=("a", "b"))


def test_sizes_that_differ_within_a_pair(root):
    path = write(root, "photos/ulm/2.bmp", 0, size=(8, 4))
    with pytest.raises(UserError, match="differ in size") as caught:
        list(pairs(root))
    assert f"{path} is 4×8" in str(caught.value)
