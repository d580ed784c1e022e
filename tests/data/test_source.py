import pytest

from fullglow_jax.config import default_config
from fullglow_jax.data.source import build_source
from fullglow_jax.errors import UserError

SCENES = {"train": 5, "val": 1, "height": 32, "width": 64, "seed": 3}


def config(name, root):
    data = default_config().data
    data.update({"name": name, "root": str(root), "image_size": (4, 8), "street_scenes": SCENES})
    return data


def test_cityscapes_by_name(cityscapes_root):
    source = build_source(config("cityscapes", cityscapes_root), "train", boundary=True)
    assert len(source) == 5
    assert source[0]["boundary"].shape == (4, 8, 3)


def test_unknown_name_gives_the_nearest(tmp_path):
    with pytest.raises(UserError, match=r"no data source 'cityscape'.* to 'cityscapes'\.$"):
        build_source(config("cityscape", tmp_path), "train", boundary=False)
    with pytest.raises(UserError, match="'cityscapes' or 'street_scenes'"):
        build_source(config("zzz", tmp_path), "train", boundary=False)


def test_street_scenes_are_generated_once(tmp_path):
    asked = config("street_scenes", tmp_path / "deep" / "scenes")
    assert len(build_source(asked, "train", boundary=True)) == 5
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "deep").rglob("*")}
    assert len(build_source(asked, "val", boundary=True)) == 1
    assert files == {path: path.stat().st_mtime_ns for path in (tmp_path / "deep").rglob("*")}


def test_other_settings_than_the_folder_was_made_with(tmp_path):
    asked = config("street_scenes", tmp_path / "scenes")
    build_source(asked, "train", boundary=False)
    asked.street_scenes.seed = 4
    with pytest.raises(UserError, match="seed"):
        build_source(asked, "train", boundary=False)


def test_folder_with_other_things_is_left_alone(tmp_path):
    (tmp_path / "scenes").mkdir()
    (tmp_path / "scenes" / "thesis.tex").write_text("precious")
    with pytest.raises(UserError, match="scenes"):
        build_source(config("street_scenes", tmp_path / "scenes"), "train", boundary=False)
    assert (tmp_path / "scenes" / "thesis.tex").read_text() == "precious"
