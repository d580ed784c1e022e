"""Instance ids and label ids on their way to batches: a user's own folders, and Cityscapes."""

import numpy as np
import pytest
from PIL import Image

from fullglow_jax.config import default_config
from fullglow_jax.data.checked import checked
from fullglow_jax.data.faults import described
from fullglow_jax.data.file_pairs import find_pairs
from fullglow_jax.data.fitting import Fitting
from fullglow_jax.data.images import read_ids
from fullglow_jax.data.layouts import Cityscapes, TwoFolders
from fullglow_jax.data.numbering import NUMBERS
from fullglow_jax.data.pipeline import training_batches
from fullglow_jax.data.pixels import LARGEST_ID, count_ids
from fullglow_jax.data.prepare import prepare
from fullglow_jax.data.prepared import PreparedPairs
from fullglow_jax.data.source import build_source, checked_source, find_source, read_alone
from fullglow_jax.errors import UserError
from fullglow_jax.models.annotations import Annotations
from tests.data.conftest import HEIGHT, NAMES, WIDTH, city_file

SIZE = (6, 8)
IDS = np.arange(48).reshape(SIZE) // 9 * 20_001  # 0 to 100005, more than 16 bits
LABELS = np.array([[0, 1, 2, 3, 149, 150, 254, 255]] * 6, np.uint8)
NAMED = ["a/1", "a/2", "3"]
ASKED = Annotations(instances=6)


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def root(tmp_path):
    """Label ids, photos that say where each pixel was, and instance ids of 32 bits."""
    photo = np.stack([*np.indices(SIZE), np.zeros(SIZE)], -1).astype(np.uint8)
    for split, names in (("train", NAMED), ("val", ["9"])):
        for name in names:
            save(tmp_path / split / "labels" / f"{name}.png", LABELS)
            save(tmp_path / split / "photos" / f"{name}.png", photo)
            save(tmp_path / split / "ids" / f"{name}.tif", IDS.astype(np.int32))
    return tmp_path


def config(root, **changes):
    data = default_config().data
    data.update(
        {
            "name": "two_folders",
            "root": str(root),
            "folders": ("labels", "photos"),
            "instances": "ids",
            "label_colours": "numbers",
            "image_size": SIZE,
            "threads": 0,
            **changes,
        }
    )
    return data


def pairs(root, asked=ASKED, split="train", **changes):
    return find_source(config(root, **changes), split, asked)


# --- Ids of any size ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("largest", "kind"), [(255, np.uint8), (65535, np.uint16), (LARGEST_ID, np.int32)]
)
def test_ids_of_any_size(tmp_path, largest, kind):
    ids = np.array([[0, 7, largest]], kind)
    read = read_ids(save(tmp_path / "a.tif", ids))
    assert read.dtype == np.int32
    np.testing.assert_array_equal(read, ids)
    assert count_ids(read) == 3


@pytest.mark.parametrize("wrong", [-1, LARGEST_ID + 1])
def test_ids_that_models_have_no_place_for(tmp_path, wrong):
    path = save(tmp_path / "a.tif", np.array([[0, wrong]], np.int32))
    with pytest.raises(UserError, match=r"a\.tif has grey values that do not fit 32 bits"):
        read_ids(path)


def test_the_first_of_several_channels(tmp_path):
    pixels = np.dstack([LABELS, LABELS[::-1], 255 - LABELS])
    path = save(tmp_path / "a.png", pixels)
    np.testing.assert_array_equal(read_ids(path, first_channel=True), LABELS)


# --- A third folder -------------------------------------------------------------------------------


def test_instances_of_a_third_folder(root):
    source = pairs(root)
    assert not source.faults
    assert sorted(pair["name"] for pair in source) == sorted(NAMED)
    np.testing.assert_array_equal(source[0]["instances"], IDS)
    assert "instances" not in pairs(root, Annotations())[0]


def test_resizing_mixes_no_ids(root):
    small = pairs(root, image_size=(3, 5))[0]["instances"]
    assert small.shape == (3, 5)
    assert set(small.ravel()) <= set(IDS.ravel())


def test_no_third_folder(root):
    with pytest.raises(UserError, match=r"instance ids, which .* not have\. .*data\.instances"):
        pairs(root, instances="")
    with pytest.raises(UserError, match=r"maps does not exist.*--config\.data\.instances"):
        pairs(root, instances="maps")
    with pytest.raises(UserError, match=r"is one of config\.data\.folders"):
        pairs(root, instances="photos")


def test_a_missing_instance_map(root):
    path = root / "train" / "ids" / "a" / "2.tif"
    path.unlink()
    source = pairs(root)
    assert len(source) == 2
    told = described(source.faults)
    assert "images in labels without one in ids: 1\n" in told
    assert f"labels/a/2.png needs {path.with_suffix('')}.*" in told
    assert not pairs(root, Annotations()).faults


def bad_file(root, pixels):
    (root / "train" / "ids" / "3.tif").unlink()
    return save(root / "train" / "ids" / "3.png", pixels)


def test_an_instance_map_of_another_size(root):
    path = bad_file(root, np.zeros((6, 9), np.uint8))
    with pytest.raises(UserError, match="differ in size") as caught:
        pairs(root)[0]
    assert f"{path} is 6×9" in str(caught.value)


def test_an_instance_map_of_colours(root):
    path = bad_file(root, NUMBERS[LABELS])
    with pytest.raises(UserError, match=f"{path} has RGB pixels, where a map of ids has one grey"):
        pairs(root)[0]


@pytest.mark.parametrize("many", [0, 70_000])
def test_too_many_instances_are_told_by_every_way_in(root, many):
    path = bad_file(root, np.zeros((6, 8), np.uint8))
    path.unlink()
    ids = np.where(np.arange(48).reshape(SIZE) < 7, np.arange(48).reshape(SIZE) * (many + 1), 0)
    path = save(path.with_suffix(".tif"), ids.astype(np.int32))
    told = rf"{path} has 7 instances at 6×8, where 6 are allowed.*config\.model\.instances=7"
    with pytest.raises(UserError, match=told):
        pairs(root)[0]
    with pytest.raises(UserError, match=f"cannot be used: 1\n  {told}"):
        checked_source(config(root), "train", ASKED)
    assert len(checked_source(config(root, on_bad_file="skip"), "train", ASKED)) == 2
    # The verdict is of this number, and of this size.
    assert len(checked_source(config(root), "train", Annotations(instances=7))) == 3
    assert len(checked_source(config(root, image_size=(3, 4)), "train", ASKED)) == 3
    assert len(checked(pairs(root, Annotations()), "train", 0)) == 3


# --- Prepared, cut and mirrored -------------------------------------------------------------------


def test_prepared_pairs_hold_ids_of_any_size(root):
    data = config(root, image_size=(3, 4))
    asked = Annotations(instances=256)
    prepare(data, asked, workers=1)
    built = build_source(data, "train", asked)
    assert isinstance(built, PreparedPairs)
    for index, pair in enumerate(find_source(data, "train", asked)):
        for part in ("condition", "target", "instances"):
            np.testing.assert_array_equal(built[index][part], pair[part])
        assert built[index]["instances"].dtype == np.int32
    assert built[0]["instances"].max() > 65535
    greys = build_source(config(root, image_size=(3, 4), label_colours="own"), "train", asked)
    assert not isinstance(greys, PreparedPairs)


def test_ids_are_cut_and_mirrored_with_their_photo(root):
    batches = training_batches(
        pairs(root), batch_size=3, seed=0, threads=0, annotations=ASKED, flip=True, size=(3, 4)
    )
    places = set()
    for _ in range(8):
        batch = next(batches).batch
        assert batch.instances.shape == (3, 3, 4)
        assert batch.instances.dtype == np.int32
        for photo, ids, label in zip(batch.target, batch.instances, batch.condition, strict=True):
            y, x = photo[..., 0].astype(int), photo[..., 1].astype(int)
            np.testing.assert_array_equal(ids, IDS[y, x])
            np.testing.assert_array_equal(label, NUMBERS[LABELS[y, x]])
            places.add((y[0, 0], x[0, 0], x[0, 0] < x[0, 1]))
    assert len({mirrored for *_, mirrored in places}) == 2
    assert len(places) > 8


# --- Label ids by their numbers -------------------------------------------------------------------


def test_label_ids_are_painted_by_their_numbers(root):
    pair = pairs(root, Annotations())[0]
    np.testing.assert_array_equal(pair["condition"], NUMBERS[LABELS])
    assert pair["target"][..., 1].max() == 7  # and photos are not
    small = pairs(root, Annotations(), image_size=(3, 5))[0]["condition"]
    assert {tuple(c) for c in small.reshape(-1, 3)} <= {tuple(c) for c in NUMBERS[LABELS[0]]}
    grey = pairs(root, Annotations(), label_colours="own")[0]["condition"]
    np.testing.assert_array_equal(grey[..., 0], LABELS)


def test_the_condition_is_painted_or_what_is_named(root):
    swapped = {"folders": ("photos", "labels")}
    pair = pairs(root, Annotations(), direction="BtoA", **swapped)[0]
    np.testing.assert_array_equal(pair["condition"], NUMBERS[LABELS])
    pair = pairs(root, Annotations(), label_maps=("B",), **swapped)[0]
    np.testing.assert_array_equal(pair["target"], NUMBERS[LABELS])


def test_files_of_the_palette_are_the_same_numbers(root):
    folder = root / "train" / "labels"
    palette = Image.fromarray(LABELS)
    palette.putpalette(NUMBERS.tobytes())
    palette.save(folder / "3.png")
    save(folder / "a" / "1.png", NUMBERS[LABELS])
    for pair in pairs(root, Annotations()):
        np.testing.assert_array_equal(pair["condition"], NUMBERS[LABELS])


def test_other_colours_and_larger_ids_are_refused(root):
    path = save(root / "train" / "labels" / "3.png", np.full((6, 8, 3), (1, 2, 3), np.uint8))
    with pytest.raises(UserError, match=rf"{path} has the colour \(1, 2, 3\), which is no label's"):
        pairs(root)[0]
    save(path, np.full(SIZE, 256, np.uint16))
    with pytest.raises(UserError, match=rf"{path} has the label id 256, .* go up to 255"):
        pairs(root)[0]


def test_files_of_users_are_read_as_the_data(root):
    file = root / "train" / "labels" / "3.png"
    condition = read_alone(file, config(root), "condition")
    np.testing.assert_array_equal(condition.pixels, NUMBERS[LABELS])
    assert condition.labels
    for data, role in ((config(root), "target"), (config(root, label_colours="own"), "condition")):
        np.testing.assert_array_equal(read_alone(file, data, role).pixels[..., 0], LABELS)


@pytest.mark.parametrize(
    ("kind", "ids"), [("labelIds", [0, 7, 26, 33]), ("labelTrainIds", [0, 13, 18, 255])]
)
def test_cityscapes_by_numbers(cityscapes_root, kind, ids):
    chosen = np.random.default_rng(0).choice(np.array(ids, np.uint8), (HEIGHT, WIDTH))
    for name in NAMES["train"]:
        save(city_file(cityscapes_root, "train", name, f"gtFine_{kind}"), chosen)
    layout = Cityscapes(cityscapes_root, "train", kind, "numbers")
    pair = find_pairs(layout, None, Fitting((HEIGHT, WIDTH)), Annotations(instances=2))[0]
    np.testing.assert_array_equal(pair["condition"], NUMBERS[chosen])
    assert set(np.unique(pair["instances"])) == {0, 26001}
    with pytest.raises(UserError, match="has 2 instances at 8×16, where 1 are allowed"):
        find_pairs(layout, None, Fitting((HEIGHT, WIDTH)), Annotations(instances=1))[0]


def test_colours_of_cityscapes_have_no_numbers(cityscapes_root):
    with pytest.raises(UserError, match=r"--config\.data\.label_files=labelIds"):
        Cityscapes(cityscapes_root, "train", "color", "numbers")
    with pytest.raises(UserError, match="'C' is not one of"):
        TwoFolders(cityscapes_root, "train", ("A", "B"), label_colours="numbers", direction="C")
