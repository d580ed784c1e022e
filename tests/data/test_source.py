import importlib

import numpy as np
import pytest

from fullglow_jax.config import default_config
from fullglow_jax.data.source import build_source
from fullglow_jax.errors import UserError
from fullglow_jax.model_registry import build_architecture
from fullglow_jax.models.annotations import Annotations

SCENES = {"train": 5, "val": 1, "height": 32, "width": 64, "seed": 3}

BOUNDARY = Annotations("smooth")


def config(name, root):
    data = default_config().data
    data.update({"name": name, "root": str(root), "image_size": (4, 8), "street_scenes": SCENES})
    return data


def test_cityscapes_by_name(cityscapes_root):
    source = build_source(config("cityscapes", cityscapes_root), "train", BOUNDARY)
    assert len(source) == 5
    assert source[0]["boundary"].shape == (4, 8, 3)


def test_mnist_by_name(tmp_path):
    digits = np.arange(2 * 28 * 28, dtype=np.uint32).reshape(2, 28, 28).astype(np.uint8)
    for kind, dims, array in (("images", 3, digits), ("labels", 1, np.array([6, 9], np.uint8))):
        header = b"".join(n.to_bytes(4) for n in (0x800 + dims, *array.shape))
        (tmp_path / f"train-{kind}-idx{dims}-ubyte").write_bytes(header + array.tobytes())
    asked = config("mnist", tmp_path)
    asked.direction = "coarse2digit"
    pair = build_source(asked, "train", Annotations(label=True))[1]
    assert pair["name"] == "train_00001_digit_9"
    assert pair["label"] == 9
    assert pair["condition"].shape == pair["target"].shape == (4, 8, 3)
    assert np.unique(pair["condition"]).size > 1
    asked.mnist.files = "tfds"
    with pytest.raises(UserError, match="TFDS data set mnist is not prepared"):
        build_source(asked, "train")


def test_tfds_by_name(tmp_path):
    asked = config("tfds", tmp_path)
    asked.tfds.name = "cityscapes/semantic_segmentation"
    with pytest.raises(UserError, match="cityscapes/semantic_segmentation is not prepared"):
        build_source(asked, "train")


@pytest.mark.parametrize(
    ("name", "asked", "called"),
    [
        ("mnist", BOUNDARY, "boundary maps"),
        ("tfds", BOUNDARY, "boundary maps"),
        ("mnist", Annotations(instances=True), "instance ids"),
        ("tfds", Annotations(label=True), "each example's class"),
        ("street_scenes", Annotations(label=True), "each example's class"),
    ],
)
def test_annotations_that_are_not_there(tmp_path, name, asked, called):
    with pytest.raises(UserError, match=f"{called}, which this data does not have"):
        build_source(config(name, tmp_path / "data"), "train", asked)


@pytest.mark.parametrize(
    ("name", "message"),
    [("mnist_24", "datasets/mnist does not exist"), ("tfds_256", "datasets/tfds does not exist")],
)
def test_configs(tmp_path, monkeypatch, name, message):
    monkeypatch.chdir(tmp_path)
    whole = importlib.import_module(f"configs.{name}").get_config()
    build_architecture(whole)
    with pytest.raises(UserError, match=message):
        build_source(whole.data, "train")


def test_street_scenes_are_generated_once(tmp_path):
    asked = config("street_scenes", tmp_path / "deep" / "scenes")
    assert len(build_source(asked, "train", BOUNDARY)) == 5
    assert len(build_source(asked, "val", BOUNDARY)) == 1
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "deep").rglob("*")}
    assert len(build_source(asked, "train", BOUNDARY)) == 5
    assert files == {path: path.stat().st_mtime_ns for path in (tmp_path / "deep").rglob("*")}


def test_other_settings_than_the_folder_was_made_with(tmp_path):
    asked = config("street_scenes", tmp_path / "scenes")
    build_source(asked, "train")
    asked.street_scenes.seed = 4
    with pytest.raises(UserError, match="seed"):
        build_source(asked, "train")


def test_folder_with_other_things_is_left_alone(tmp_path):
    (tmp_path / "scenes").mkdir()
    (tmp_path / "scenes" / "thesis.tex").write_text("precious")
    with pytest.raises(UserError, match="scenes"):
        build_source(config("street_scenes", tmp_path / "scenes"), "train")
    assert (tmp_path / "scenes" / "thesis.tex").read_text() == "precious"
