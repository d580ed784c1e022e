"""Every kind of data makes a model's batches, and every source trains through the command line."""

import importlib
import json
import os
from pathlib import Path

import cloudpickle
import jax
import numpy as np
import pytest
from PIL import Image

from fullglow_jax.data.pipeline import training_batches
from fullglow_jax.data.source import build_source
from fullglow_jax.model_registry import build_architecture
from fullglow_jax.runs.metrics import read_metrics
from fullglow_jax.runs.trained import abstract_batch
from tests.commands.running import ROOT, grid_shape, steps_saved
from tests.data.test_mnist import write_mnist
from tests.data.test_tfds_pairs import StreetPairs

STEPS = 3
FOLDER = Path(os.environ.get("FULLGLOW_DATA") or ROOT.parent / "shared" / "data")
BATCH = 2
# One network for all, so that it is compiled once: the model is not the point here.
GLOW = {"model.name": "glow", "model.memory_mode": "store"}


def picture(seed):
    return np.random.default_rng(seed).integers(0, 256, (12, 22, 3), np.uint8)


def save(root, name, pixels):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def write_aligned_pairs(root):
    for split in ("train", "val"):
        for i in range(3):
            save(root, f"{split}/{i}.jpg", np.hstack([picture(i), 255 - picture(i)]))


def write_two_folders(root):
    for split in ("train", "val"):
        for i in range(3):
            save(root, f"{split}/A/{i}.png", picture(i))
            save(root, f"{split}/B/{i}.JPG", 255 - picture(i))


def write_cityscapes(root):
    for split in ("train", "val"):
        for i in range(3):
            name = f"{split}/ulm/ulm_{i:06}"
            ids = np.full((12, 22), 7, np.uint8)
            ids[i:, 5:] = 26
            save(root, f"leftImg8bit/{name}_leftImg8bit.png", picture(i))
            save(root, f"gtFine/{name}_gtFine_color.png", picture(10 + i))
            save(root, f"gtFine/{name}_gtFine_labelIds.png", ids)
            save(root, f"gtFine/{name}_gtFine_instanceIds.png", ids.astype(np.uint16) * 1000)


def write_images(root):
    for split in ("train", "val"):
        for i in range(3):
            save(root, f"{split}/kind {i % 2}/{i}.{'png' if i else 'jpg'}", picture(i))


def write_tfds(root):
    StreetPairs(data_dir=root, file_format="array_record").download_and_prepare()


TFDS = {
    "data.tfds.name": "street_pairs",
    "data.tfds.condition": "ids",
    "data.tfds.target": "photo",
}

MADE = {
    "facades": (write_aligned_pairs, "facades_256", {}),
    "maps, cropped": (
        write_aligned_pairs,
        "maps_512",
        {"data.direction": "AtoB", "data.fit": "crop"},
    ),
    "label ids": (
        write_cityscapes,
        "cityscapes_256_photo2label",
        {"data.label_files": "labelIds"},
    ),
    "boundary2label": (write_cityscapes, "cityscapes_256_boundary2label", {}),
    "boundary": (write_cityscapes, "cityscapes_256_boundary", {}),
    "MNIST": (write_mnist, "mnist_24", {}),
    "TFDS, in a worker": (write_tfds, "tfds_256", {**TFDS, "data.workers": 1}),
}


def data_config(root, name, changes):
    config = importlib.import_module(f"configs.{name}").get_config()
    values = {"data.image_size": (10, 20), "model.steps": (1,), "data.root": str(root)}
    config.update_from_flattened_dict(values | changes)
    return config


def assert_batches_are_the_models(root, name, changes):
    """What is read in training has the shapes that a step of the config's model is compiled for."""
    config = data_config(root, name, changes)
    shapes = build_architecture(config)
    expected = abstract_batch(shapes, BATCH)
    for split in ("train", "val"):
        source = build_source(config.data, split, shapes.annotations)
        how = {"batch_size": BATCH, "seed": 0, "threads": 1, "annotations": shapes.annotations}
        batches = training_batches(source, **how)
        batch = next(batches).batch
        batches.close()
        assert jax.tree.structure(batch) == jax.tree.structure(expected)
        for found, like in zip(*map(jax.tree.leaves, (batch, expected)), strict=True):
            assert (found.shape, found.dtype) == (like.shape, like.dtype)
            assert len(np.unique(found)) > 1


@pytest.mark.parametrize("kind", MADE)
def test_batches(tmp_path, kind):
    write, name, changes = MADE[kind]
    write(tmp_path)
    assert_batches_are_the_models(tmp_path, name, changes)


def train(commands, workdir, root, config, headline="image", **changes):
    values = {
        "data.image_size": "(10,20)",
        "data.root": root,
        "model.steps": "(1,)",
        "model.coupling_width": 4,
        "train.batch_size": BATCH,
        "train.steps": STEPS,
        "train.log_every": 1,
        **changes,
    }
    flags = [f"--config.{key}={value}" for key, value in values.items()]
    result = commands.here(
        "train.py",
        f"--config={ROOT / 'configs' / config}.py",
        f"--workdir={workdir}",
        *flags,
        cwd=workdir.parent,
    )
    assert result.code == 0, result.err
    assert steps_saved(workdir) == [STEPS]
    name = f"train/bits_per_dim/{headline}"
    bits = [record[name] for record in read_metrics(workdir) if name in record]
    assert len(bits) == STEPS
    assert np.isfinite(bits).all()
    assert list((workdir / "samples").glob("*.png"))
    return result


@pytest.mark.parametrize("kind", ["facades", "MNIST", "TFDS, in a worker"])
def test_trains(commands, tmp_path, kind):
    write, config, changes = MADE[kind]
    write(tmp_path / "data")
    train(commands, tmp_path / "run", tmp_path / "data", config, **changes, **GLOW)


def test_trains_with_boundary_maps(commands, tmp_path):
    write_cityscapes(tmp_path / "data")
    small = {"model.spatial_width": 4, "model.memory_mode": "store"}
    place = (tmp_path / "run", tmp_path / "data", "cityscapes_256_boundary")
    train(commands, *place, headline="conditional", **small)


def test_a_glow_of_single_images_trains_samples_and_is_scored(commands, tmp_path):
    write_images(tmp_path / "data")
    run = tmp_path / "run"
    said = train(commands, run, tmp_path / "data", "glow_images_64", **GLOW)
    assert "3 training and 3 validation pairs" in said.out
    # Samples and nothing else.
    grid = np.asarray(Image.open(run / "samples" / f"step_{STEPS:07d}.png"))
    assert grid.shape == grid_shape(rows=4, columns=3)

    drawn = commands.here("sample.py", f"--workdir={run}", "--count=3", "--out=drawn", cwd=tmp_path)
    assert drawn.code == 0, drawn.err
    names = {path.name for path in (tmp_path / "drawn").iterdir()}
    assert names == {f"{i:03d}_image__T0.7__000.png" for i in range(3)} | {"grid.png", "index.html"}
    assert np.asarray(Image.open(tmp_path / "drawn" / "grid.png")).shape == grid_shape(3, 1)

    scored = commands.here("eval.py", f"--workdir={run}", "--batch_size=1", cwd=tmp_path)
    assert scored.code == 0, scored.err
    report = json.loads((run / "eval.json").read_text())
    validation = read_metrics(run)[-1]["validation/bits_per_dim/image"]
    np.testing.assert_allclose(report["bits_per_dim"]["image"]["mean"], validation, atol=0.1)


@pytest.mark.parametrize("kind", MADE)
def test_workers_can_be_given_every_source(tmp_path, kind):
    write, config_name, changes = MADE[kind]
    write(tmp_path)
    config = data_config(tmp_path, config_name, changes)
    source = build_source(config.data, "val", build_architecture(config).annotations)
    there = cloudpickle.loads(cloudpickle.dumps(source))
    assert len(there) == len(source)
    pair, again = source[1], there[1]
    assert pair.keys() == again.keys()
    for part in pair:
        np.testing.assert_array_equal(again[part], pair[part])


def test_trains_without_the_bad_files_and_tells_of_them(commands, tmp_path):
    write_two_folders(tmp_path / "data")
    bad = tmp_path / "data" / "train" / "A" / "1.png"
    bad.write_bytes(bad.read_bytes()[:-200])
    said = train(
        commands,
        tmp_path / "run",
        tmp_path / "data",
        "two_folders_256",
        **{"data.on_bad_file": "skip"},
        **GLOW,
    )
    assert "images that cannot be used: 1" in said.out
    assert str(bad) in said.out
    assert "2 training and 3 validation pairs" in said.out


def test_bad_files_are_refused_before_the_first_step(commands, tmp_path):
    write_two_folders(tmp_path / "data")
    bad = tmp_path / "data" / "val" / "B" / "2.JPG"
    bad.write_text("not an image")
    result = commands(
        "train.py",
        f"--config={ROOT / 'configs' / 'two_folders_256.py'}",
        f"--workdir={tmp_path / 'run'}",
        f"--config.data.root={tmp_path / 'data'}",
        "--config.data.image_size=(10,20)",
        "--config.model.steps=(1,)",
        cwd=tmp_path,
    )
    assert result.code == 1
    assert result.err.startswith("error: images that cannot be used: 1\n")
    assert str(bad) in result.err
    assert "Traceback" not in result.err
    assert not (tmp_path / "run" / "metrics.jsonl").exists()


def real(folder):
    if not (FOLDER / folder).is_dir():
        pytest.skip(f"no pairs in {FOLDER / folder}; FULLGLOW_DATA names another folder")
    return (FOLDER / folder).resolve()


@pytest.mark.parametrize(
    ("folder", "config"), [("facades_mini", "facades_256"), ("maps_mini", "maps_256")]
)
def test_batches_of_real_pairs(folder, config):
    assert_batches_are_the_models(real(folder), config, {})


def test_trains_on_real_pairs(commands, tmp_path):
    train(commands, tmp_path / "run", real("maps_mini"), "maps_256", **GLOW)
