"""Classes of examples: from folders, columns, digits and features."""

import gzip

import numpy as np
import pytest

from fullglow_jax.config import default_config
from fullglow_jax.data.check import check
from fullglow_jax.data.classes import class_index
from fullglow_jax.data.prepare import prepare
from fullglow_jax.data.prepared import PreparedPairs
from fullglow_jax.data.source import build_source, with_classes
from fullglow_jax.errors import UserError
from fullglow_jax.model_registry import build_architecture
from fullglow_jax.models.annotations import Annotations
from tests.data.test_mnist import idx
from tests.data.test_single_images import write

LABELLED = Annotations(label=True)


@pytest.fixture
def config(tmp_path):
    write(tmp_path, "train/dog/1.png", "train/cat/1.png", "train/cat/old/2.png", "val/cat/3.png")
    config = default_config("glow")
    config.model.steps = (1,)
    config.data.update(name="images", root=str(tmp_path), labels="folders", image_size=(4, 4))
    return config


def labels(config, split="train"):
    source = build_source(config.data, split, LABELLED)
    return [(source.name(i), source[i]["label"]) for i in range(len(source))]


def test_classes_are_the_folders_of_the_training_split(config):
    found = with_classes(config)
    assert found.data.classes == ("cat", "dog")
    assert config.data.classes is None
    assert labels(found) == [("cat/1.png", 0), ("cat/old/2.png", 0), ("dog/1.png", 1)]
    assert labels(found, "val") == [("cat/3.png", 0)]
    assert build_architecture(found).classes == 2
    assert build_architecture(found).annotations == LABELLED
    assert with_classes(found) is found


def test_their_order_may_be_given(config):
    config.data.classes = ("dog", "cat")
    assert labels(with_classes(config))[0] == ("cat/1.png", 1)


def test_two_folders_with_folders_of_classes(config, tmp_path):
    write(tmp_path, "train/A/x/1.png", "train/B/x/1.png", "train/A/y/1.png", "train/B/y/1.png")
    config.data.name = "two_folders"
    found = with_classes(config)
    assert labels(found) == [("x/1", 0), ("y/1", 1)]


def test_prepared_pairs_have_them_too(config):
    found = with_classes(config)
    expected = labels(found)
    prepare(found.data, workers=1)
    assert isinstance(build_source(found.data, "train", LABELLED), PreparedPairs)
    assert labels(found) == expected


def test_a_class_that_training_has_never_seen_is_refused_and_all_are_listed(
    config, tmp_path, capsys
):
    write(tmp_path, "val/fox/4.png", "val/5.png")
    with pytest.raises(UserError) as refused:
        build_source(with_classes(config).data, "val", LABELLED)
    assert f"{tmp_path}/val/fox/4.png: fox" in str(refused.value)
    assert "training has never seen: 1" in str(refused.value)
    assert "images without a class: 1" in str(refused.value)
    assert not check(config, tmp_path / "grid.png")
    assert f"{tmp_path}/val/5.png" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"classes": ("cat", "fox", "dog")}, "names 'fox', of which training would see no example"),
        ({"classes": ("cat",)}, "lacks 'dog', which the training split has"),
        ({"labels": "", "classes": ("cat",)}, r"config\.data\.labels is not set"),
        ({"classes": ("cat", "dog", "cat")}, "names 'cat' twice"),
        ({"labels": "breed"}, "must be 'folders', or a column of the CSV"),
        ({"name": "cityscapes"}, "name='cityscapes' has no classes. images, two_folders, mnist"),
        ({"name": "two_folders", "labels": "x"}, "must be 'folders'"),
        ({"name": "mnist"}, "must be 'digit'"),
    ],
)
def test_what_has_no_classes_is_told(config, changes, said):
    config.data.update(changes)
    with pytest.raises(UserError, match=said):
        with_classes(config)


def test_names_are_compared_as_people_see_them(config, tmp_path):
    write(tmp_path, "train/caf\u00e9/1.png")
    config.data.classes = ("cat", "dog", "cafe\u0301")
    assert with_classes(config).data.classes == ("cat", "dog", "caf\u00e9")
    assert class_index("cafe\u0301", ("cat", "caf\u00e9"), "--label") == 1


def test_images_that_are_not_there_are_named_before_their_classes(config, tmp_path):
    (tmp_path / "train.csv").write_text("name,breed\n1,cat\n")
    config.data.update(csv="SPLIT.csv", labels="breed")
    with pytest.raises(UserError, match="names and that are not there: 1"):
        with_classes(config)


def test_no_folders(config, tmp_path):
    config.data.root = str(tmp_path / "train" / "cat")
    write(tmp_path, "train/cat/train/1.png")
    with pytest.raises(UserError, match="no example of the training split has a class"):
        with_classes(config)


def test_digits(config, tmp_path):
    for kind, array in (("images", np.zeros((2, 28, 28))), ("labels", np.array([6, 9]))):
        path = tmp_path / f"train-{kind}-idx{3 if array.ndim == 3 else 1}-ubyte.gz"
        path.write_bytes(gzip.compress(idx(array.astype(np.uint8))))
    config.data.update(name="mnist", labels="digit")
    found = with_classes(config)
    assert found.data.classes == tuple("0123456789")
    assert [label for _, label in labels(found)] == [6, 9]
    config.data.classes = tuple("9876543210")
    assert [label for _, label in labels(with_classes(config))] == [3, 0]


@pytest.mark.parametrize("family", ["full_glow", "c_flow", "c_glow", "pspnet"])
def test_families_that_read_no_class_say_so(family):
    config = default_config(family)
    config.data.labels, config.data.classes = "folders", ("a", "b")
    with pytest.raises(UserError, match=f"'folders' means nothing to a {family}"):
        build_architecture(config)
    config.data.labels = ""
    with pytest.raises(UserError, match=r"data\.classes=\('a', 'b'\) means nothing to a"):
        build_architecture(config)
