import re

import numpy as np
import pytest
from PIL import Image

from fullglow_jax.data.boundary import boundary_map
from fullglow_jax.data.faults import described
from fullglow_jax.data.file_pairs import find_pairs
from fullglow_jax.data.fitting import Fitting
from fullglow_jax.data.images import read_ids, read_rgb, resize_bilinear
from fullglow_jax.data.layouts import Cityscapes
from fullglow_jax.errors import UserError
from fullglow_jax.models.annotations import Annotations
from fullglow_jax.palette import ID, LABELS
from tests.data.conftest import HEIGHT, NAMES, WIDTH, city_file

SIZE = (4, 8)
BOUNDARY = Annotations("smooth")


def pairs(root, split="train", size=SIZE, *, direction=None, label_files="color", **options):
    return find_pairs(Cityscapes(root, split, label_files), direction, Fitting(size), **options)


def faults(root, **options):
    return described(pairs(root, **options).faults)


def test_order_is_by_city_then_name(cityscapes_root):
    source = pairs(cityscapes_root)
    assert len(source) == 5
    names = [source[index]["name"] for index in range(5)]
    assert names == sorted(NAMES["train"])
    assert len(pairs(cityscapes_root, "val")) == 1


def test_iteration_ends(cityscapes_root):
    assert len(list(pairs(cityscapes_root))) == 5


def test_pair_is_colour_map_and_photo(cityscapes_root):
    pair = pairs(cityscapes_root)[2]
    name = "jena_000003"
    color = city_file(cityscapes_root, "train", name, "gtFine_color")
    photo = city_file(cityscapes_root, "train", name, "leftImg8bit")
    assert sorted(pair) == ["condition", "name", "target"]
    np.testing.assert_array_equal(pair["condition"], resize_bilinear(read_rgb(color), SIZE))
    np.testing.assert_array_equal(pair["target"], resize_bilinear(read_rgb(photo), SIZE))


def test_boundary_is_found_at_native_size_then_stretched(cityscapes_root):
    ids = read_ids(city_file(cityscapes_root, "train", "jena_000003", "gtFine_instanceIds"))
    native = pairs(cityscapes_root, size=(HEIGHT, WIDTH), annotations=BOUNDARY)[2]["boundary"]
    np.testing.assert_array_equal(native, boundary_map(ids))
    small = pairs(cityscapes_root, annotations=BOUNDARY)[2]["boundary"]
    expected = Image.fromarray(native).resize(SIZE[::-1], Image.Resampling.BILINEAR)
    assert small.dtype == np.uint8
    np.testing.assert_array_equal(small, np.asarray(expected))


@pytest.mark.parametrize("how", ["stretch", "crop"])
def test_instances_are_the_ids_of_files_that_no_resizing_mixes(cityscapes_root, how):
    asked = Annotations("smooth", instances=9)
    layout = Cityscapes(cityscapes_root, "train")
    ids = read_ids(city_file(cityscapes_root, "train", "jena_000003", "gtFine_instanceIds"))
    native = find_pairs(layout, None, Fitting((HEIGHT, WIDTH), how), asked)[2]
    np.testing.assert_array_equal(native["instances"], ids)
    np.testing.assert_array_equal(native["boundary"], boundary_map(ids))
    small = find_pairs(layout, None, Fitting(SIZE, how), asked)[2]["instances"]
    assert small.shape == SIZE
    assert set(np.unique(small)) == {0, 26001}


def test_macos_leftovers_are_ignored(cityscapes_root):
    for kind in ("leftImg8bit", "gtFine_color"):
        path = city_file(cityscapes_root, "train", "jena_000003", kind)
        path.with_name(f"._{path.name}").write_bytes(b"Mac OS X")
    assert len(pairs(cityscapes_root)) == 5


@pytest.mark.parametrize("state", ["missing", "empty", "a file"])
def test_no_data_says_where_to_get_it_and_what_to_run_instead(tmp_path, state):
    root = tmp_path / "data"
    if state == "empty":
        root.mkdir()
    if state == "a file":
        root.write_text("")
    with pytest.raises(UserError, match=re.escape(str(root))) as caught:
        pairs(root)
    for words in (
        "https://www.cityscapes-dataset.com/",
        "leftImg8bit_trainvaltest.zip",
        "gtFine_trainvaltest.zip",
        "--config street_scenes",
    ):
        assert words in str(caught.value)


def test_empty_split_names_the_splits_there_are(cityscapes_root):
    with pytest.raises(UserError, match=r"'vall' is empty.*\n*.*are: train, val\."):
        pairs(cityscapes_root, "vall")


def remove(root, kind, *names):
    paths = [city_file(root, "train", name, kind) for name in names]
    for path in paths:
        path.unlink()
    return paths


def test_photo_without_label_map(cityscapes_root):
    [label] = remove(cityscapes_root, "gtFine_color", "jena_000003")
    told = faults(cityscapes_root)
    assert "photos without label map: 1" in told
    assert str(label) in told
    assert "jena_000003_leftImg8bit.png" in told
    assert len(pairs(cityscapes_root)) == 4


def test_many_photos_without_label_map_are_counted(cityscapes_root):
    remove(cityscapes_root, "gtFine_color", *NAMES["train"])
    told = faults(cityscapes_root)
    assert "photos without label map: 5" in told
    assert told.count("_gtFine_color.png") == 3
    assert "and 2 more" in told


def test_label_map_without_photo(cityscapes_root):
    [photo] = remove(cityscapes_root, "leftImg8bit", "ulm_000001")
    told = faults(cityscapes_root)
    assert "label maps without photo: 1" in told
    assert str(photo) in told


def test_instance_ids_are_missed_only_where_asked_for(cityscapes_root):
    [ids] = remove(cityscapes_root, "gtFine_instanceIds", "ulm_000001")
    assert len(pairs(cityscapes_root)) == 5
    assert not pairs(cityscapes_root).faults
    told = faults(cityscapes_root, annotations=BOUNDARY)
    assert "without instance ids: 1" in told
    assert str(ids) in told


@pytest.mark.parametrize("kind", ["gtFine_color", "gtFine_instanceIds"])
def test_sizes_within_a_pair_must_agree(cityscapes_root, kind):
    path = city_file(cityscapes_root, "train", "aachen_000002", kind)
    Image.new("RGB" if kind == "gtFine_color" else "L", (WIDTH // 2, HEIGHT)).save(path)
    with pytest.raises(UserError, match="differ in size") as caught:
        pairs(cityscapes_root, annotations=BOUNDARY)[0]
    assert f"{path} is {HEIGHT}×{WIDTH // 2}" in str(caught.value)


@pytest.mark.parametrize(
    ("direction", "condition", "target"),
    [
        ("label2photo", "gtFine_color", "leftImg8bit"),
        ("photo2label", "leftImg8bit", "gtFine_color"),
    ],
)
def test_directions(cityscapes_root, direction, condition, target):
    pair = pairs(cityscapes_root, direction=direction)[0]
    for part, kind in (("condition", condition), ("target", target)):
        file = city_file(cityscapes_root, "train", "aachen_000002", kind)
        np.testing.assert_array_equal(pair[part], resize_bilinear(read_rgb(file), SIZE))


def test_boundaries_as_the_condition(cityscapes_root):
    pair = pairs(cityscapes_root, direction="boundary2label", size=(HEIGHT, WIDTH))[0]
    ids = read_ids(city_file(cityscapes_root, "train", "aachen_000002", "gtFine_instanceIds"))
    np.testing.assert_array_equal(pair["condition"], boundary_map(ids))
    assert "boundary" not in pair


def test_other_directions_are_refused(cityscapes_root):
    with pytest.raises(UserError, match=r"direction='AtoB' is not .*: label2photo, photo2label"):
        pairs(cityscapes_root, direction="AtoB")


def write_ids(root, ids):
    for name in NAMES["train"]:
        Image.fromarray(ids).save(city_file(root, "train", name, "gtFine_labelIds"))


def test_label_ids_are_painted_and_never_mixed(cityscapes_root):
    ids = np.full((HEIGHT, WIDTH), ID["road"], np.uint8)
    ids[:, WIDTH // 2 :] = ID["car"]
    write_ids(cityscapes_root, ids)
    condition = pairs(cityscapes_root, label_files="labelIds", size=(3, 5))[0]["condition"]
    allowed = {LABELS[ID["road"]].colour, LABELS[ID["car"]].colour}
    assert {tuple(colour) for colour in condition.reshape(-1, 3).tolist()} == allowed


def test_ids_of_another_data_set_are_refused(cityscapes_root):
    write_ids(cityscapes_root, np.full((HEIGHT, WIDTH), 40, np.uint8))
    with pytest.raises(UserError, match="label id 40, where those of Cityscapes go up to 33"):
        pairs(cityscapes_root, label_files="labelIds")[0]


def write_train_ids(root, ids, kind="gtFine_labelTrainIds"):
    for name in NAMES["train"]:
        Image.fromarray(ids).save(city_file(root, "train", name, kind))


def test_training_ids_are_painted_and_void_is_black(cityscapes_root):
    ids = np.full((HEIGHT, WIDTH), 255, np.uint8)
    for label in LABELS:
        if label.train_id != 255:
            ids[0, label.train_id % WIDTH] = label.train_id % WIDTH
    ids[1, :3] = 16, 17, 18
    write_train_ids(cityscapes_root, ids)
    source = pairs(cityscapes_root, label_files="labelTrainIds", size=(HEIGHT, WIDTH))
    colours = {label.train_id: label.colour for label in LABELS} | {255: (0, 0, 0)}
    expected = [[colours[number] for number in row] for row in ids.tolist()]
    np.testing.assert_array_equal(source[0]["condition"], expected)
    assert not source.faults


def test_training_ids_are_never_mixed(cityscapes_root):
    ids = np.full((HEIGHT, WIDTH), 255, np.uint8)
    ids[:, WIDTH // 2 :] = 13
    write_train_ids(cityscapes_root, ids)
    condition = pairs(cityscapes_root, label_files="labelTrainIds", size=(3, 5))[0]["condition"]
    allowed = {(0, 0, 0), LABELS[ID["car"]].colour}
    assert {tuple(colour) for colour in condition.reshape(-1, 3).tolist()} == allowed


def test_training_ids_in_place_of_ids_are_called_that(cityscapes_root):
    ids = np.full((HEIGHT, WIDTH), 255, np.uint8)
    ids[:, :5] = 13
    write_train_ids(cityscapes_root, ids, "gtFine_labelIds")
    expected = (
        r"label id 255, .* go up to 33\. All of its numbers are trainIds: .* name them "
        r"\*_gtFine_labelTrainIds\.png and set --config\.data\.label_files=labelTrainIds\."
    )
    with pytest.raises(UserError, match=expected):
        pairs(cityscapes_root, label_files="labelIds")[0]


def test_void_among_label_ids_is_called_that(cityscapes_root):
    ids = np.full((HEIGHT, WIDTH), 255, np.uint8)
    ids[:, :5] = 26
    write_train_ids(cityscapes_root, ids, "gtFine_labelIds")
    with pytest.raises(UserError, match=r"label id 255, .*255 is void in trainIds files.* id, 0\."):
        pairs(cityscapes_root, label_files="labelIds")[0]


def test_ids_in_place_of_training_ids_are_called_that(cityscapes_root):
    write_train_ids(cityscapes_root, np.full((HEIGHT, WIDTH), 26, np.uint8))
    expected = "trainId 26, .* go up to 18, and 255 is void. .*label_files=labelIds"
    with pytest.raises(UserError, match=expected):
        pairs(cityscapes_root, label_files="labelTrainIds")[0]


@pytest.mark.parametrize("mode", ["P", "RGB", "RGBA", "LA", "I;16"])
@pytest.mark.parametrize("label_files", ["labelIds", "labelTrainIds"])
def test_ids_rewritten_in_another_mode_are_painted_the_same(cityscapes_root, mode, label_files):
    ids = np.random.default_rng(0).choice(np.array([0, 7, 11, 18], np.uint8), (HEIGHT, WIDTH))
    write_train_ids(cityscapes_root, ids, f"gtFine_{label_files}")
    before = pairs(cityscapes_root, label_files=label_files)[0]["condition"]
    for name in NAMES["train"]:
        path = city_file(cityscapes_root, "train", name, f"gtFine_{label_files}")
        if mode == "P":  # the greys that occur, from the rarest
            image = Image.fromarray(np.searchsorted([0, 7, 11, 18], ids).astype(np.uint8) ^ 3)
            image.putpalette(np.repeat([18, 11, 7, 0], 3).astype(np.uint8).tobytes())
        else:
            image = Image.fromarray(ids).convert(mode)
        image.save(path)
        assert Image.open(path).mode == mode
    after = pairs(cityscapes_root, label_files=label_files)[0]["condition"]
    np.testing.assert_array_equal(after, before)


@pytest.mark.parametrize("suffix", [".PNG", ".webp", ".jpg"])
def test_other_suffixes_of_images(cityscapes_root, suffix):
    for path in sorted((cityscapes_root / "leftImg8bit").rglob("*.png")):
        Image.open(path).save(path.with_suffix(suffix))
        path.unlink()
    source = pairs(cityscapes_root)
    assert (len(list(source)), source.faults) == (5, ())
