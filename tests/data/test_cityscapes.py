import re

import numpy as np
import pytest
from PIL import Image

from fullglow_jax.data.boundary import boundary_map
from fullglow_jax.data.cityscapes import Cityscapes
from fullglow_jax.data.images import read_ids, read_rgb
from fullglow_jax.errors import UserError
from tests.data.conftest import HEIGHT, NAMES, WIDTH, city_file

SIZE = (4, 8)


def test_order_is_by_city_then_name(cityscapes_root):
    source = Cityscapes(cityscapes_root, "train", SIZE)
    assert len(source) == 5
    names = [source[index]["name"] for index in range(5)]
    assert names == sorted(NAMES["train"])
    assert len(Cityscapes(cityscapes_root, "val", SIZE)) == 1


def test_iteration_ends(cityscapes_root):
    assert len(list(Cityscapes(cityscapes_root, "train", SIZE))) == 5


def test_pair_is_colour_map_and_photo(cityscapes_root):
    pair = Cityscapes(cityscapes_root, "train", SIZE)[2]
    name = "jena_000003"
    color = city_file(cityscapes_root, "train", name, "gtFine_color")
    photo = city_file(cityscapes_root, "train", name, "leftImg8bit")
    assert sorted(pair) == ["condition", "name", "target"]
    np.testing.assert_array_equal(pair["condition"], read_rgb(color, SIZE))
    np.testing.assert_array_equal(pair["target"], read_rgb(photo, SIZE))


def test_boundary_is_found_at_native_size_then_stretched(cityscapes_root):
    ids = read_ids(city_file(cityscapes_root, "train", "jena_000003", "gtFine_instanceIds"))
    native = Cityscapes(cityscapes_root, "train", (HEIGHT, WIDTH), boundary=True)[2]["boundary"]
    np.testing.assert_array_equal(native, boundary_map(ids))
    small = Cityscapes(cityscapes_root, "train", SIZE, boundary=True)[2]["boundary"]
    expected = Image.fromarray(native).resize(SIZE[::-1], Image.Resampling.BILINEAR)
    assert small.dtype == np.uint8
    np.testing.assert_array_equal(small, np.asarray(expected))


def test_macos_leftovers_are_ignored(cityscapes_root):
    for kind in ("leftImg8bit", "gtFine_color"):
        path = city_file(cityscapes_root, "train", "jena_000003", kind)
        path.with_name(f"._{path.name}").write_bytes(b"Mac OS X")
    assert len(Cityscapes(cityscapes_root, "train", SIZE)) == 5


@pytest.mark.parametrize("state", ["missing", "empty", "a file"])
def test_no_data_says_where_to_get_it_and_what_to_run_instead(tmp_path, state):
    root = tmp_path / "data"
    if state == "empty":
        root.mkdir()
    if state == "a file":
        root.write_text("")
    with pytest.raises(UserError, match=re.escape(str(root))) as caught:
        Cityscapes(root, "train", SIZE)
    for words in (
        "https://www.cityscapes-dataset.com/",
        "leftImg8bit_trainvaltest.zip",
        "gtFine_trainvaltest.zip",
        "--config configs/street_scenes.py",
    ):
        assert words in str(caught.value)


def test_empty_split_names_the_splits_there_are(cityscapes_root):
    with pytest.raises(UserError, match=r"'vall' is empty.*\n*.*are: train, val\."):
        Cityscapes(cityscapes_root, "vall", SIZE)


def remove(root, kind, *names):
    paths = [city_file(root, "train", name, kind) for name in names]
    for path in paths:
        path.unlink()
    return paths


def test_photo_without_label_map(cityscapes_root):
    [label] = remove(cityscapes_root, "gtFine_color", "jena_000003")
    with pytest.raises(UserError, match="photos without label map: 1") as caught:
        Cityscapes(cityscapes_root, "train", SIZE)
    assert str(label) in str(caught.value)
    assert "jena_000003_leftImg8bit.png" in str(caught.value)


def test_many_photos_without_label_map_are_counted(cityscapes_root):
    remove(cityscapes_root, "gtFine_color", *NAMES["train"])
    with pytest.raises(UserError, match="photos without label map: 5") as caught:
        Cityscapes(cityscapes_root, "train", SIZE)
    assert str(caught.value).count("_gtFine_color.png") == 3
    assert "and 2 more" in str(caught.value)


def test_label_map_without_photo(cityscapes_root):
    [photo] = remove(cityscapes_root, "leftImg8bit", "ulm_000001")
    with pytest.raises(UserError, match="label maps without photo: 1") as caught:
        Cityscapes(cityscapes_root, "train", SIZE)
    assert str(photo) in str(caught.value)


def test_instance_ids_are_missed_only_where_asked_for(cityscapes_root):
    [ids] = remove(cityscapes_root, "gtFine_instanceIds", "ulm_000001")
    assert len(Cityscapes(cityscapes_root, "train", SIZE)) == 5
    with pytest.raises(
        UserError, match="photos without the instance ids that boundary maps are made from: 1"
    ) as caught:
        Cityscapes(cityscapes_root, "train", SIZE, boundary=True)
    assert str(ids) in str(caught.value)


@pytest.mark.parametrize("kind", ["leftImg8bit", "gtFine_color", "gtFine_instanceIds"])
def test_truncated_files_are_found_at_construction(cityscapes_root, kind):
    path = city_file(cityscapes_root, "train", "aachen_000007", kind)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(UserError, match=r"damaged files: 1\n.*cut short") as caught:
        Cityscapes(cityscapes_root, "train", SIZE, boundary=True)
    assert str(path) in str(caught.value)


def test_damage_inside_a_file_is_found_when_it_is_read(cityscapes_root):
    path = city_file(cityscapes_root, "train", "aachen_000002", "leftImg8bit")
    content = path.read_bytes()
    middle = len(content) // 2
    path.write_bytes(content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :])
    source = Cityscapes(cityscapes_root, "train", SIZE)
    with pytest.raises(UserError, match=re.escape(str(path))):
        source[0]


@pytest.mark.parametrize("kind", ["gtFine_color", "gtFine_instanceIds"])
def test_sizes_within_a_pair_must_agree(cityscapes_root, kind):
    path = city_file(cityscapes_root, "train", "aachen_000002", kind)
    Image.new("RGB" if kind == "gtFine_color" else "L", (WIDTH // 2, HEIGHT)).save(path)
    with pytest.raises(UserError, match="differ in size") as caught:
        Cityscapes(cityscapes_root, "train", SIZE, boundary=True)
    assert f"{path} is {HEIGHT}×{WIDTH // 2}" in str(caught.value)
