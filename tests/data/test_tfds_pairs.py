import io
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from fullglow_jax.config import default_config
from fullglow_jax.data.fitting import Fitting
from fullglow_jax.data.images import Picture
from fullglow_jax.data.mnist import find_mnist
from fullglow_jax.data.source import build_source, with_classes
from fullglow_jax.data.tfds_pairs import find_tfds
from fullglow_jax.errors import UserError
from fullglow_jax.models.annotations import Annotations
from fullglow_jax.palette import LABELS

SIZE = (4, 8)
COUNTS = {"train": 5, "validation": 2}
SETTINGS = {
    "name": "street_pairs",
    "condition": "ids",
    "target": "photo",
    "train": "train",
    "val": "validation",
    "palette": "none",
}


def example(number):
    """Arrays and numbers, all of them others for another number."""
    rng = np.random.default_rng(number)
    return {
        "number": number,
        "photo": rng.integers(0, 256, (8, 16, 3), np.uint8),
        "alpha": rng.integers(0, 256, (8, 16, 4), np.uint8),
        "ids": rng.integers(0, len(LABELS), (8, 16, 1), np.uint8),
        "other_ids": np.full((8, 16, 1), 34, np.uint8),
        "deep": rng.integers(0, 65536, (8, 16, 1), np.uint16),
        "small": rng.integers(0, 256, (8, 15, 3), np.uint8),
        "weather": number % 3 if number < 6 else -1,
        "caption": "wet",
        "deep_down": {"photo": rng.integers(0, 256, (2, 2, 3), np.uint8)},
    }


def encoded(value):
    if isinstance(value, dict):
        return {name: encoded(part) for name, part in value.items()}
    if not isinstance(value, np.ndarray):
        return value
    # Pixels given as an array would be encoded with TensorFlow; a file's bytes are taken as is.
    file = io.BytesIO()
    Image.fromarray(value[..., 0] if value.shape[-1] == 1 else value).save(file, "png")
    file.seek(0)
    return file


with tfds.core.registered.skip_registration():

    class StreetPairs(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")
        name = "street_pairs"
        code_path = None  # TFDS would look beside this file for checksums of downloads

        def _info(self):
            grey, rgb = (None, None, 1), (None, None, 3)
            features = {
                "number": tfds.features.Scalar(np.int64),
                "photo": tfds.features.Image(shape=rgb, encoding_format="png"),
                "alpha": tfds.features.Image(shape=(None, None, 4), encoding_format="png"),
                "ids": tfds.features.Image(shape=grey, encoding_format="png"),
                "other_ids": tfds.features.Image(shape=grey, encoding_format="png"),
                "deep": tfds.features.Image(shape=grey, dtype=np.uint16, encoding_format="png"),
                "small": tfds.features.Image(shape=rgb, encoding_format="png"),
                "weather": tfds.features.ClassLabel(num_classes=3),
                "caption": tfds.features.Text(),
                "deep_down": {"photo": tfds.features.Image(shape=rgb, encoding_format="png")},
                "many": tfds.features.ClassLabel(num_classes=257),
            }
            return tfds.core.DatasetInfo(
                builder=self, features=tfds.features.FeaturesDict(features)
            )

        def _split_generators(self, dl_manager):
            return {
                "train": self._generate_examples(0, 5),
                "validation": self._generate_examples(5, 2),
            }

        def _generate_examples(self, first, count):
            for number in range(first, first + count):
                yield number, {**encoded(example(number)), "many": 256}

    class Mnist(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("3.0.1")
        name = "mnist"
        code_path = None

        def _info(self):
            features = {
                "image": tfds.features.Image(shape=(28, 28, 1), encoding_format="png"),
                "label": tfds.features.ClassLabel(num_classes=10),
            }
            return tfds.core.DatasetInfo(
                builder=self, features=tfds.features.FeaturesDict(features)
            )

        def _split_generators(self, dl_manager):
            return {"train": self._generate_examples(3), "test": self._generate_examples(2)}

        def _generate_examples(self, count):
            for number in range(count):
                digit = np.full((28, 28, 1), 10 * count + number, np.uint8)
                yield number, {"image": encoded(digit), "label": count + number}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfds")
    for builder in (StreetPairs, Mnist):
        builder(data_dir=folder, file_format="array_record").download_and_prepare()
    return folder


def find(root, split="train", direction=None, size=SIZE, how="stretch", **settings):
    return find_tfds(root, split, {**SETTINGS, **settings}, direction, Fitting(size, how))


def numbers(root, split="train"):
    """Which examples a split has, in its order: TFDS shuffles what it prepares."""
    photos = {example(n)["photo"].tobytes(): n for n in range(sum(COUNTS.values()))}
    return [photos[pair["target"].tobytes()] for pair in find(root, split, size=(8, 16))]


def test_features_to_pairs(root):
    for split, tfds_split in {"train": "train", "val": "validation"}.items():
        source = find(root, split)
        assert len(source) == COUNTS[tfds_split]
        assert source.faults == ()
        for i, (number, pair) in enumerate(zip(numbers(root, split), source, strict=True)):
            photo, ids = (example(number)[name] for name in ("photo", "ids"))
            assert pair["name"] == f"{split}_{i:05d}"
            resized = Fitting(SIZE)(Picture(photo), "target")
            np.testing.assert_array_equal(pair["target"], resized, strict=True)
            grey = Fitting(SIZE)(Picture(np.repeat(ids, 3, axis=-1)), "condition")
            np.testing.assert_array_equal(pair["condition"], grey, strict=True)
    assert sorted(numbers(root) + numbers(root, "val")) == list(range(7))


def test_the_other_direction(root):
    there, back = find(root)[2], find(root, direction="BtoA")[2]
    np.testing.assert_array_equal(there["condition"], back["target"])
    np.testing.assert_array_equal(there["target"], back["condition"])


def test_crop(root):
    photo = example(numbers(root)[0])["photo"]
    pair = find(root, size=(4, 4), how="crop")[0]
    np.testing.assert_array_equal(pair["target"], Fitting((4, 4), "crop")(Picture(photo), "target"))
    assert (pair["target"] != find(root, size=(4, 4))[0]["target"]).any()


def test_label_ids_are_painted_and_never_mixed(root):
    colours = np.array([label.colour for label in LABELS], np.uint8)
    ids = example(numbers(root)[3])["ids"][..., 0]
    asked = {"palette": "cityscapes", "size": (8, 16)}
    np.testing.assert_array_equal(find(root, **asked)[3]["condition"], colours[ids], strict=True)
    small = find(root, palette="cityscapes", size=(2, 4))[3]["condition"]
    np.testing.assert_array_equal(small, colours[ids[2::4, 2::4]])
    photo = example(numbers(root)[3])["photo"]
    np.testing.assert_array_equal(find(root, **asked)[3]["target"], photo)


def put_in(source, monkeypatch, feature, image):
    """The image as a file in place of what all examples have."""
    file = io.BytesIO()
    image.save(file, "png")
    changed = {**source.examples._examples[0], feature: file.getvalue()}
    monkeypatch.setattr(source.examples, "_examples", [changed] * 5)


@pytest.mark.parametrize("mode", ["L", "P", "RGB", "LA"])
def test_label_ids_rewritten_in_another_mode(root, monkeypatch, mode):
    source = find(root, palette="cityscapes", size=(8, 16))
    ids = np.tile(np.array([7, 26], np.uint8), (8, 8))
    image = Image.fromarray(ids).convert(mode)
    if mode == "P":
        image = Image.fromarray((ids == 7).astype(np.uint8))
        image.putpalette([26, 26, 26, 7, 7, 7])
    put_in(source, monkeypatch, "ids", image)
    colours = np.array([label.colour for label in LABELS], np.uint8)
    np.testing.assert_array_equal(source[0]["condition"], colours[ids])


def test_training_ids(root, monkeypatch):
    numbers = Image.fromarray(np.tile(np.array([0, 255, 18, 13], np.uint8), (8, 4)))
    source = find(root, palette="cityscapes", size=(8, 16))
    put_in(source, monkeypatch, "ids", numbers)
    with pytest.raises(UserError, match=r"it has 255\. .*palette=cityscapes_trainIds"):
        source[0]
    source = find(root, palette="cityscapes_trainIds", size=(8, 16))
    put_in(source, monkeypatch, "ids", numbers)
    painted = source[0]["condition"][0, :4].tolist()
    assert painted == [[128, 64, 128], [0, 0, 0], [119, 11, 32], [0, 0, 142]]


def test_16_bits_and_alpha(root):
    whole = example(numbers(root)[1])
    pair = find(root, condition="deep", target="alpha", size=(8, 16))[1]
    high = np.repeat((whole["deep"] >> 8).astype(np.uint8), 3, axis=-1)
    np.testing.assert_array_equal(pair["condition"], high, strict=True)
    np.testing.assert_array_equal(pair["target"], whole["alpha"][..., :3], strict=True)


def test_class_labels(root):
    for number, pair in zip(numbers(root), find(root, condition="weather"), strict=True):
        grey = (0, 128, 255)[number % 3]
        np.testing.assert_array_equal(
            pair["condition"], np.full((*SIZE, 3), grey, np.uint8), strict=True
        )


def test_example_without_its_label(root):
    source = find(root, "val", condition="weather")
    bad = numbers(root, "val").index(6)
    expected = (
        rf"'weather' of example {bad} of street_pairs/1\.0\.0, split 'validation' is -1, .* 0 to 2"
    )
    with pytest.raises(UserError, match=expected):
        source[bad]


def test_classes_beside_the_pairs(root):
    config = default_config("glow")
    config.data.update(name="tfds", root=str(root), labels="weather", image_size=SIZE)
    config.data.tfds.update(SETTINGS)
    config = with_classes(config)
    assert config.data.classes == ("0", "1", "2")
    source = build_source(config.data, "train", Annotations(label=True))
    assert [pair["label"] for pair in source] == [number % 3 for number in numbers(root)]
    bad = build_source(config.data, "val")
    with pytest.raises(UserError, match=r"'weather' of example . of .* is -1, .* without labels"):
        list(bad)
    config.data.classes = ("0", "2")
    with pytest.raises(UserError, match=r"'weather' of example .* is '1': training has never seen"):
        list(build_source(config.data, "train"))
    config.data.labels = "photo"
    with pytest.raises(UserError, match=r"labels='photo' is no feature of classes .* many, weath"):
        with_classes(config)


def test_slices_and_splits_in_the_words_of_tfds(root):
    names = [pair["name"] for pair in find(root, train="train[1:3]+validation")]
    assert names == [f"train_{i:05d}" for i in range(4)]
    assert len(find(root, "validation")) == 2
    assert len(find(root, name="street_pairs:1.0.0")) == 5


def test_bounds(root):
    source = find(root)
    np.testing.assert_array_equal(source[-1]["target"], source[4]["target"])
    with pytest.raises(IndexError):
        source[5]


def test_threads_read_what_one_reads(root):
    source = find(root)
    expected = [pair["target"] for pair in source]
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(find(root).__getitem__, list(range(5)) * 40))
    for i, pair in enumerate(read):
        np.testing.assert_array_equal(pair["target"], expected[i % 5])


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"name": ""}, "config.data.tfds.name is not set."),
        ({"name": "a b"}, "'a b' is not the name of a TFDS data set: expected NAME, NAME/CONFIG"),
        ({"name": "street_pair"}, "no TFDS data set 'street_pair', neither in its catalogue nor"),
        ({"name": "street_pair"}, "Did you mean 'street_pairs'?"),
        ({"name": "cityscape/any"}, "Did you mean 'cityscapes'?"),
        ({"name": "cityscapes"}, "the TFDS data set cityscapes is not prepared in {root}, which "),
        ({"name": "cityscapes"}, "which holds mnist/3.0.1, street_pairs/1.0.0.\n"),
        (
            {"name": "cityscapes/semantic_segmentation"},
            "  tfds build cityscapes/semantic_segmentation --data_dir {root} --file_format "
            "array_record\n",
        ),
        ({"name": "street_pairs:2.0.0"}, "data set street_pairs:2.0.0 is not prepared in {root}"),
        ({"train": "trian"}, "street_pairs/1.0.0 has no split 'trian': Unknown split"),
        ({"train": "trian"}, "It has train, validation, and slices of them"),
        ({"train": "train[9:"}, "street_pairs/1.0.0 has no split 'train[9:'"),
        (
            {"condition": "id"},
            "config.data.tfds.condition='id' is no feature of street_pairs/1.0.0",
        ),
        ({"condition": "id"}, "which has ids, "),
        ({"target": ""}, "config.data.tfds.target='' is no feature of street_pairs/1.0.0"),
        (
            {"target": "caption"},
            "config.data.tfds.target='caption' is Text, neither an image nor a class label. Of "
            "street_pairs/1.0.0, those are alpha, deep, ids, many, other_ids, photo, small, "
            "weather.",
        ),
        ({"condition": "many"}, "'many' has 257 classes, where an image can stand for 256."),
        ({"direction": "AtoC"}, "config.data.direction='AtoC' is not one of this data's: AtoB, "),
    ],
)
def test_what_there_is_not(root, asked, message):
    with pytest.raises(UserError, match=re.escape(message.format(root=root))):
        find(root, **asked)


def test_no_folder(tmp_path):
    missing = tmp_path / "no"
    expected = (
        rf"(?s){re.escape(str(missing))} does not exist\..*tfds build street_pairs --data_dir"
    )
    with pytest.raises(UserError, match=expected):
        find(missing)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"condition": "small"}, "'small' is 8×15, 'photo' is 8×16 in example 0 of street_pairs/"),
        (
            {"condition": "other_ids", "palette": "cityscapes"},
            "'other_ids' of example 0 of street_pairs/1.0.0, split 'train' is no map of "
            "Cityscapes' label ids, which go up to 33: it has 34. Set ",
        ),
    ],
)
def test_pairs_that_are_none(root, asked, message):
    with pytest.raises(UserError, match=re.escape(message)):
        find(root, **asked)[0]


@pytest.fixture
def own_root(tmp_path):
    StreetPairs(data_dir=tmp_path, file_format="array_record").download_and_prepare()
    return tmp_path


def test_files_that_are_read_in_order_only(own_root):
    # Writing such files takes TensorFlow; that they are meant is all that is looked at.
    info = own_root / "street_pairs" / "1.0.0" / "dataset_info.json"
    info.write_text(info.read_text().replace("array_record", "tfrecord"))
    expected = (
        rf"(?s){re.escape(str(info.parent))} holds tfrecord files, .*--file_format array_record"
    )
    with pytest.raises(UserError, match=expected):
        find(own_root)


def test_pixels_that_are_floats(own_root):
    features = own_root / "street_pairs" / "1.0.0" / "features.json"
    features.write_text(features.read_text().replace("uint16", "float32"))
    with pytest.raises(UserError, match="'deep' is an image of float32 pixels, where 8 or 16"):
        find(own_root, target="deep")


def test_a_file_that_is_gone(own_root):
    source = find(own_root)
    next(own_root.glob("street_pairs/1.0.0/*train*")).unlink()
    expected = (
        r"example 0 of street_pairs/1\.0\.0, split 'train' cannot be read: .*-train\.array_rec"
    )
    with pytest.raises(UserError, match=expected):
        source[0]


def test_a_file_cut_short(own_root):
    path = next(own_root.glob("street_pairs/1.0.0/*train*"))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(
        UserError, match=r"example \d of street_pairs.* Prepare the data set anew\."
    ):
        list(find(own_root))


def test_an_image_that_is_damaged(own_root, monkeypatch):
    source = find(own_root)
    whole = source.examples._examples[0]
    cut = {**whole, "photo": whole["photo"][:60]}
    monkeypatch.setattr(source.examples, "_examples", [cut] * 5)
    expected = r"'photo' of example 0 of street_pairs/1\.0\.0, split 'train' is damaged"
    with pytest.raises(UserError, match=expected):
        source[0]


def test_mnist(root):
    source = find_mnist(root, "train", "tfds", "class2digit", (28, 28))
    found = {pair["name"][-7:]: pair for pair in source}
    assert sorted(found) == ["digit_3", "digit_4", "digit_5"]
    for label, grey in ((3, 85), (4, 113), (5, 142)):
        pair = found[f"digit_{label}"]
        assert pair["target"].shape == (28, 28, 3)
        assert np.unique(pair["target"]) == 30 + label - 3
        assert np.unique(pair["condition"]) == grey
    assert len(find_mnist(root, "val", "tfds", None, (28, 28))) == 2


def test_mnist_that_is_not_prepared(own_root):
    with pytest.raises(UserError, match="TFDS data set mnist is not prepared in"):
        find_mnist(own_root, "train", "tfds", None, (28, 28))


def test_tensorflow_is_left_alone(root, tmp_path):
    """Where it is installed, or something by its name that would tell of being imported."""
    (tmp_path / "tensorflow.py").write_text("raise RuntimeError('tensorflow was imported')")
    code = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
from fullglow_jax.data.fitting import Fitting
from fullglow_jax.data.tfds_pairs import find_tfds
print(find_tfds({str(root)!r}, "train", {SETTINGS!r}, None, Fitting((4, 8)))[0]["name"])
print("tensorflow" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["train_00000", "False"]
