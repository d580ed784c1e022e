"""ADE20K, CelebAMask-HQ and DeepFashion as users have them, and instance maps made of them."""

import shutil

import numpy as np
import pytest
from PIL import Image

from fullglow_jax.config import default_config
from fullglow_jax.data.check import check
from fullglow_jax.data.faults import described
from fullglow_jax.data.instances import make_instances
from fullglow_jax.data.numbering import NUMBERS
from fullglow_jax.data.renumbering import renumbered
from fullglow_jax.data.source import find_source
from fullglow_jax.errors import UserError
from fullglow_jax.models.annotations import Annotations
from tests.data.conftest import NAMES, city_file

SIZE = (4, 6)
ASKED = Annotations(instances=9)
LABELS = np.random.default_rng(0).choice(np.array([0, 3, 5, 7], np.uint8), SIZE)
MASK = np.dstack([LABELS, LABELS + 1, LABELS])
"""Of DeepFashion, whose first channel counts."""


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def ade20k(photo, label):
    """Paths of photos and label maps, of which two are for training and one for validation."""
    numbers = [("training", "train", 1), ("training", "train", 2), ("validation", "val", 1)]
    return [
        (photo.format(folder, split, n), label.format(folder, split, n))
        for folder, split, n in numbers
    ]


NESTED = ade20k("images/{}/ADE_{}_{:08d}.jpg", "annotations/{}/ADE_{}_{:08d}.png")
FLAT = ade20k("images/ADE_{1}_{2:08d}.jpg", "annotations/ADE_{1}_{2:08d}.png")
TOGETHER = ade20k("{0}/ADE_{1}_{2:08d}.jpg", "{0}/ADE_{1}_{2:08d}.png")
CELEBA = [
    (f"{split}/images/{n}.jpg", f"{split}/labels/{n}.png")
    for split, n in (("train", 0), ("train", 2), ("test", 1))
]
DEEPFASHION = [
    (f"{split}_img/{n}.jpg", f"{split}_mask/{n}.png")
    for split, n in (("train", "x"), ("train", "y"), ("test", "z"))
]
SMIS = [
    (f"{split}/{n}.jpg", f"cihp_{split}_mask/{n}.png")
    for split, n in (("train", "x"), ("train", "y"), ("test", "z"))
]

LAYOUTS = {
    "ade20k": ("ade20k", NESTED),
    "ade20k, flat": ("ade20k", FLAT),
    "ade20k, in one folder": ("ade20k", TOGETHER),
    "celeba_mask": ("celeba_mask", CELEBA),
    "deepfashion": ("deepfashion", DEEPFASHION),
    "deepfashion of SMIS": ("deepfashion", SMIS),
}

MADE = {
    "ade20k": "instances/training/ADE_train_00000001.png",
    "ade20k, flat": "instances/training/ADE_train_00000001.png",
    "ade20k, in one folder": "instances/training/ADE_train_00000001.png",
    "celeba_mask": "train/instances/0.png",
    "deepfashion": "train_inst/x.png",
    "deepfashion of SMIS": "train_inst/x.png",
}
"""An instance map of each."""


@pytest.fixture(params=LAYOUTS)
def kind(request):
    return request.param


@pytest.fixture
def data(tmp_path, kind):
    """The config of a data set of three pairs."""
    name, files = LAYOUTS[kind]
    for n, (photo, label) in enumerate(files):
        save(tmp_path / photo, np.full((*SIZE, 3), 80 * n, np.uint8))
        save(tmp_path / label, MASK if name == "deepfashion" else LABELS)
    return config(tmp_path, name)


def config(root, name, **changes):
    data = default_config().data
    data.update({"name": name, "root": str(root), "image_size": SIZE, "threads": 0, **changes})
    return data


def test_pairs(data, kind):
    train, val = (find_source(data, split) for split in ("train", "val"))
    assert (len(train), len(val)) == (2, 1)
    assert not train.faults + val.faults + train.left_alone + val.left_alone
    for pair, grey in (train[0], 0), (train[1], 80), (val[0], 160):
        np.testing.assert_array_equal(pair["condition"], NUMBERS[LABELS])
        assert abs(int(pair["target"].mean()) - grey) <= 1
    assert MADE[kind].endswith(f"{train[0]['name']}.png")
    data.direction = "photo2label"
    np.testing.assert_array_equal(find_source(data, "train")[0]["target"], NUMBERS[LABELS])


def test_instances_are_missed_made_and_read(data, kind, tmp_path, capsys):
    with pytest.raises(UserError, match=r"no instance maps: .* Make them with .*data\.instances"):
        find_source(data, "train", ASKED)
    make_instances(data)
    assert "train: 2 instance maps, 2 of them new, as " in capsys.readouterr().out
    with Image.open(tmp_path / MADE[kind]) as image:
        assert image.mode == "L"
        np.testing.assert_array_equal(np.array(image), renumbered(LABELS))
    for split in ("train", "val"):
        source = find_source(data, split, ASKED)
        assert not (*source.faults, *source.left_alone)
        np.testing.assert_array_equal(source[0]["instances"], renumbered(LABELS))
    test_pairs(data, kind)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.png")}
    make_instances(data)
    assert times == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.png")}
    (tmp_path / MADE[kind]).unlink()
    source = find_source(data, "train", ASKED)
    assert len(source) == 1
    assert "label maps without instance map: 1\n" in described(source.faults)
    assert "data.instances makes them." in described(source.faults)


def test_the_check(data, kind, tmp_path, capsys):
    whole = default_config()
    whole.data = data
    assert check(whole, tmp_path / "check.png")
    told = capsys.readouterr().out
    assert "train: 2 good pairs, 0 bad\n" in told
    assert "val: 1 good pairs, 0 bad\n" in told
    assert "\ntest:" not in told  # where it stands in val's place, it is not read twice
    _, files = LAYOUTS[kind]
    (tmp_path / files[0][1]).unlink()
    assert not check(whole, tmp_path / "check.png")
    assert "photos without label map: 1\n" in capsys.readouterr().out


def test_no_such_folder(tmp_path):
    for name, (called, _) in LAYOUTS.items():
        with pytest.raises(UserError, match=r"does not exist.*expected as\n(?s:.*data\.root)"):
            find_source(config(tmp_path / name, called), "train")
    with pytest.raises(UserError, match=r"split 'test' is none of ADE20K.*: .*train, val"):
        find_source(config(tmp_path, "ade20k"), "test")


def test_a_split_of_ones_own(tmp_path):
    for name, files in (("celeba_mask", CELEBA), ("deepfashion", DEEPFASHION)):
        root = tmp_path / name
        for photo, label in files:
            save(root / photo, np.zeros((*SIZE, 3), np.uint8))
            save(root / label, LABELS)
        train, test = (find_source(config(root, name), s) for s in ("train", "test"))
        assert test.pairs == find_source(config(root, name), "val").pairs
        for file in files[0]:
            target = root / file.replace("train", "val")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / file, target)
        val = find_source(config(root, name), "val")
        assert [pair["name"] for pair in val] == [train[0]["name"]]


def test_files_of_no_split_are_told(tmp_path):
    for photo, label in FLAT:
        save(tmp_path / photo, np.zeros((*SIZE, 3), np.uint8))
        save(tmp_path / label, LABELS)
    strange = save(tmp_path / "annotations" / "more.png", LABELS)
    (left_alone,) = find_source(config(tmp_path, "ade20k"), "train").left_alone
    assert left_alone.path == strange
    assert "of no split" in left_alone.why


# --- Instance maps --------------------------------------------------------------------------------


def test_ids_beyond_eight_bits_do_not_wrap():
    ids = np.arange(257)[None].repeat(2, 0) * 1000
    assert renumbered(ids[:, :256]).dtype == np.uint8
    made = renumbered(ids)
    assert made.dtype == np.uint16
    np.testing.assert_array_equal(made, ids // 1000)
    with pytest.raises(UserError, match="65,537 different ids"):
        renumbered(np.arange(2**16 + 1)[None])


def test_of_cityscapes_own_instances(cityscapes_root):
    path = city_file(cityscapes_root, "train", NAMES["train"][0], "gtFine_instanceIds")
    save(path, np.arange(300).reshape(15, 20).astype(np.uint16) * 100)
    data = config(cityscapes_root, "cityscapes")
    make_instances(data)
    for split, names in NAMES.items():
        for name in names:
            given = city_file(cityscapes_root, split, name, "gtFine_instanceIds")
            made = city_file(cityscapes_root, split, name, "gtFine_instanceReIds")
            with Image.open(given) as before, Image.open(made) as after:
                np.testing.assert_array_equal(np.array(after), renumbered(np.array(before)))
    assert not find_source(data, "train", ASKED).left_alone


def test_of_two_folders(tmp_path):
    for split in ("train", "val"):
        for folder, pixels in (("A", LABELS), ("B", MASK)):
            save(tmp_path / split / folder / "city" / "1.png", pixels)
    with pytest.raises(UserError, match=r"label_colours=numbers .*data\.instances=NAME"):
        make_instances(config(tmp_path, "two_folders"))
    data = config(tmp_path, "two_folders", label_colours="numbers", instances="ids")
    make_instances(data)
    pair = find_source(data, "val", ASKED)[0]
    np.testing.assert_array_equal(pair["instances"], renumbered(LABELS))


def test_bad_files_are_named_and_all_others_made(tmp_path):
    for photo, label in CELEBA:
        save(tmp_path / photo, np.zeros((*SIZE, 3), np.uint8))
        save(tmp_path / label, LABELS)
    bad = tmp_path / CELEBA[0][1]
    bad.write_text("not an image")
    with pytest.raises(UserError, match=f"cannot be used: 1\n  {bad} is not an image"):
        make_instances(config(tmp_path, "celeba_mask"))
    made = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.glob("*/instances/*"))
    assert made == ["test/instances/1.png", "train/instances/2.png"]


def test_a_split_without_ids_is_told_of(tmp_path, capsys):
    save(tmp_path / "train" / "labels" / "0.png", LABELS)
    make_instances(config(tmp_path, "celeba_mask"))
    told = capsys.readouterr().out
    assert "train: 1 instance maps, 1 of them new" in told
    assert f"val: the folder {tmp_path / 'test' / 'labels'} does not exist." in told


def test_data_without_ids(tmp_path):
    with pytest.raises(UserError, match=r"'mnist': they can for .*ade20k.*two_folders"):
        make_instances(config(tmp_path, "mnist"))
    with pytest.raises(UserError, match="nowhere does not exist"):
        make_instances(config(tmp_path / "nowhere", "ade20k"))
    for find in (make_instances, lambda data: find_source(data, "train")):
        with pytest.raises(UserError, match=r"'train' is empty.*\n.*ADE20K.* is expected as"):
            find(config(tmp_path, "ade20k"))
