import json
import os
import shutil
import subprocess
import sys
from unittest.mock import Mock

import numpy as np
import pytest
from PIL import Image

from fullglow_jax import palette
from fullglow_jax.errors import UserError
from fullglow_jax.street_scenes import generate, scene
from fullglow_jax.street_scenes import write as writer
from fullglow_jax.street_scenes.__main__ import main

SMALL = {"height": 32, "width": 64, "seed": 3}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("scenes") / "set"
    assert generate(root, train=6, val=3, workers=1, **SMALL)
    return root


def contents(root):
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }


def pictures(root):
    return {name: data for name, data in contents(root).items() if name.endswith(".png")}


# --- what a scene is


def test_palette_is_the_one_of_cityscapes():
    assert [label.id for label in palette.LABELS] == list(range(34))
    assert [label.train_id for label in palette.EVALUATED] == list(range(19))
    assert palette.COLOURS[[7, 26]].tolist() == [[128, 64, 128], [0, 0, 142]]


def test_the_same_arguments_give_the_same_scene_and_others_another():
    one, again = scene(1, 2, 32, 64), scene(1, 2, 32, 64)
    assert np.array_equal(one.photo, again.photo)
    assert np.array_equal(one.instance_ids, again.instance_ids)
    for other in (scene(2, 2, 32, 64), scene(1, 3, 32, 64), scene(1, 2, 32, 64, split="val")):
        assert not np.array_equal(one.label_ids, other.label_ids)


@pytest.mark.parametrize(("height", "width"), [(16, 16), (40, 31), (64, 128), (48, 24)])
def test_sizes_and_types(height, width):
    made = scene(0, 0, height, width)
    assert made.photo.shape == (height, width, 3)
    assert made.label_ids.shape == made.instance_ids.shape == (height, width)
    assert (made.photo.dtype, made.label_ids.dtype, made.instance_ids.dtype) == (
        np.uint8,
        np.uint8,
        np.uint16,
    )


def test_one_layout_has_many_photos():
    photos = []
    for appearance in range(6):
        made = scene(0, 5, 32, 64, appearance=appearance)
        photos.append(made.photo.astype(int))
        assert np.array_equal(made.instance_ids, scene(0, 5, 32, 64).instance_ids)
    apart = [np.abs(a - b).mean() for k, a in enumerate(photos) for b in photos[:k]]
    # Far beyond the camera's noise, which is about 3 of 255.
    assert min(apart) > 8


def test_instances_agree_with_labels():
    for index in range(12):
        made = scene(4, index, 64, 128)
        countable = np.isin(made.label_ids, list(palette.COUNTABLE))
        ids = made.instance_ids.astype(int)
        assert (ids[~countable] == made.label_ids[~countable]).all()
        assert (ids[countable] >= 24_000).all()
        assert (ids[countable] // 1000 == made.label_ids[countable]).all()


def test_maps_hold_what_a_street_holds():
    maps = [scene(7, index, 64, 128).label_ids for index in range(30)]
    shares = {
        label.name: np.array([(ids == label.id).mean() for ids in maps])
        for label in palette.EVALUATED
    }
    for name in ("road", "sky", "sidewalk"):
        assert (shares[name] > 0).mean() > 0.85, name
    assert shares["road"].mean() > 0.15
    never = {name for name, share in shares.items() if not share.any()}
    assert never <= {"train", "motorcycle"}
    # The sky is above the road.
    rows = np.arange(64)[:, None]
    for ids in maps:
        assert (rows * (ids == 7)).sum() / (ids == 7).sum() > 32
        assert not (ids[-8:] == palette.ID["sky"]).any()


def test_photo_edges_are_label_edges():
    # Around the edge of the sky, the photo changes more across the edge than along it or beside it.
    at_edge, beside = [], []
    sky = palette.ID["sky"]
    for index in range(10):
        made = scene(5, index, 96, 192)
        step = np.abs(np.diff(made.photo.astype(float).mean(-1), axis=0))
        edge = (made.label_ids[:-1] == sky) & (made.label_ids[1:] != sky)
        at_edge.append(np.maximum.reduce([step[:-2], step[1:-1], step[2:]])[edge[1:-1]])
        beside.append(step[:-6][edge[6:]])
    assert np.concatenate(at_edge).mean() > 3 * np.concatenate(beside).mean()


def test_classes_have_their_colours():
    # Mean colours over many scenes: what a model is to learn.
    sums = {name: np.zeros(3) for name in ("sky", "road", "vegetation")}
    for index in range(24):
        made = scene(9, index, 32, 64)
        for name, total in sums.items():
            total += made.photo[made.label_ids == palette.ID[name]].sum(0)
    sky, road, leaves = (total / total.sum() for total in sums.values())
    assert sky[2] > sky[0]
    assert leaves[1] > leaves[2] + 0.1
    assert leaves[1] > leaves[0]
    assert np.ptp(road) < 0.1


# --- the set on disk


def test_files_are_in_the_layout_of_cityscapes(made):
    photos = sorted(made.glob("leftImg8bit/*/*/*_leftImg8bit.png"))
    assert [p.parts[-3] for p in photos].count("train") == 6
    assert [p.parts[-3] for p in photos].count("val") == 3
    assert len(pictures(made)) == 4 * len(photos)
    for photo in photos:
        split, city, name = photo.parts[-3:]
        stem = name.removesuffix("_leftImg8bit.png")
        assert stem.startswith(f"{city}_")
        labels = made / "gtFine" / split / city
        opened = {
            kind: Image.open(labels / f"{stem}_gtFine_{kind}.png")
            for kind in ("color", "labelIds", "instanceIds")
        }
        assert [opened[k].mode for k in opened] == ["RGBA", "L", "I;16"]
        assert Image.open(photo).mode == "RGB"
        assert Image.open(photo).size == (64, 32)
        ids = np.asarray(opened["labelIds"])
        colours = np.asarray(opened["color"])
        assert (colours[..., 3] == 255).all()
        assert np.array_equal(colours[..., :3], palette.COLOURS[ids])
        instances = np.asarray(opened["instanceIds"])
        assert np.array_equal(np.where(instances < 1000, instances, instances // 1000), ids)


def test_files_hold_the_scenes(made):
    photo, _, labels, _ = writer.scene_paths(made, "val", 2)
    expected = scene(3, 2, 32, 64, split="val")
    assert np.array_equal(np.asarray(Image.open(photo)), expected.photo)
    assert np.array_equal(np.asarray(Image.open(labels)), expected.label_ids)


def test_workers_and_numbers_of_scenes_change_no_file(made, tmp_path):
    generate(tmp_path / "more", train=9, val=3, workers=2, **SMALL)
    more = pictures(tmp_path / "more")
    assert len(more) == 48
    for name, data in pictures(made).items():
        assert more[name] == data, name


def test_a_complete_set_is_left_alone(made):
    before = {path: path.stat().st_mtime_ns for path in made.rglob("*")}
    assert not generate(made, train=6, val=3, **SMALL)
    assert {path: path.stat().st_mtime_ns for path in made.rglob("*")} == before


@pytest.mark.parametrize("other", [{"seed": 4}, {"train": 7}, {"width": 128}])
def test_another_set_is_not_overwritten(made, other):
    before = contents(made)
    with pytest.raises(UserError, match=r"holds another set, train=6 val=3 size=32x64 seed=3"):
        generate(made, **{"train": 6, "val": 3, **SMALL, **other})
    assert contents(made) == before


def test_other_files_are_not_overwritten(tmp_path):
    real = tmp_path / "leftImg8bit" / "train" / "aachen"
    real.mkdir(parents=True)
    with pytest.raises(UserError, match="not street_scenes"):
        generate(tmp_path, train=1, val=0, **SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ["leftImg8bit"]
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(UserError, match="not a folder"):
        generate(file, train=1, val=0, **SMALL)


def test_an_interrupted_run_is_finished(made, tmp_path, monkeypatch, capsys):
    root = tmp_path / "set"
    monkeypatch.setattr(writer, "_CHUNK", 4)
    with monkeypatch.context() as patch:
        patch.setattr(writer.ProgressLine, "update", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            generate(root, train=6, val=3, workers=1, **SMALL)
    assert not (root / writer.MARKER).exists()
    assert len(pictures(root)) == 16

    with pytest.raises(UserError, match="holds another set"):
        generate(root, train=6, val=3, **{**SMALL, "seed": 8})

    # As a kill leaves it: a scene without one of its files, and a draft.
    writer.scene_paths(root, "train", 1)[3].unlink()
    kept = writer.scene_paths(root, "train", 0)[0]
    draft = kept.with_name(".draft-1-2.tmp")
    draft.touch()
    os.utime(draft, (0, 0))
    written = kept.stat().st_mtime_ns
    generate(root, train=6, val=3, workers=1, **SMALL)
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("street_scenes 7/9")
    assert told[-1].startswith("street_scenes 9/9")
    assert kept.stat().st_mtime_ns == written
    assert contents(root) == contents(made)


def test_a_split_is_made_alone_and_the_other_follows(made, tmp_path, capsys):
    root = tmp_path / "set"
    assert generate(root, train=6, val=3, splits=("val",), workers=1, **SMALL)
    assert capsys.readouterr().out.splitlines()[-1].startswith("street_scenes 3/3")
    assert not generate(root, train=6, val=3, splits=("val",), workers=1, **SMALL)
    assert {path.split("/")[1] for path in map(str, pictures(root))} == {"val"}
    assert not (root / writer.MARKER).exists()
    assert generate(root, train=6, val=3, splits=("train",), workers=1, **SMALL)
    assert contents(root) == contents(made)


def test_a_file_is_whole_or_not_there(tmp_path, monkeypatch):
    def fail(self, path, **settings):
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(UserError, match="disk full"):
        generate(tmp_path / "set", train=1, val=0, workers=1, **SMALL)
    assert [p.name for p in (tmp_path / "set").rglob("*") if p.is_file()] == [
        "street_scenes.unfinished.json"
    ]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"train": -1}, "train=-1"),
        ({"train": 0, "val": 0}, "at least one"),
        ({"height": 8}, "16 pixels or more"),
        ({"seed": -1}, "seed -1"),
        ({"workers": 0}, "0 workers"),
    ],
)
def test_arguments_out_of_range(tmp_path, wrong, message):
    with pytest.raises(UserError, match=message):
        generate(tmp_path / "set", **{"train": 1, "val": 1, **SMALL, **wrong})
    assert not (tmp_path / "set").exists()


# --- the command


def test_command_makes_a_set_and_then_finds_it(made, tmp_path, capsys):
    root = tmp_path / "set"
    command = ["--root", str(root), "--train", "6", "--val", "3", "--size", "32x64", "--seed", "3"]
    assert main(command) == 0
    assert "street_scenes 9/9" in capsys.readouterr().out
    assert contents(root) == contents(made)
    assert main(command) == 0
    assert "already holds this set" in capsys.readouterr().out


def test_command_says_what_is_wrong_in_one_line(made, tmp_path):
    copy = tmp_path / "set"
    shutil.copytree(made, copy)
    command = [sys.executable, "-m", "fullglow_jax.street_scenes", "--root", str(copy)]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 1
    assert ran.stdout == ""
    assert ran.stderr.count("\n") == 1
    assert "holds another set" in ran.stderr


@pytest.mark.parametrize("size", ["128", "ax4", "128x", "-1x4"])
def test_command_refuses_a_size_it_cannot_read(size, capsys):
    with pytest.raises(SystemExit):
        main(["--root", "unused", f"--size={size}"])
    assert "HEIGHTxWIDTH" in capsys.readouterr().err


def test_marker_says_what_is_there(made):
    assert json.loads((made / "street_scenes.json").read_text()) == {
        "train": 6,
        "val": 3,
        "height": 32,
        "width": 64,
        "seed": 3,
        "version": writer.VERSION,
    }


def test_the_generator_does_not_import_jax():
    code = "import sys, fullglow_jax.street_scenes; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
