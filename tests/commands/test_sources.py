"""Every kind of data trains through the command line, on files made here."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fullglow_jax.training.metrics import read_metrics
from tests.commands.running import ROOT, TINY, steps_saved
from tests.data.test_mnist import write_mnist
from tests.data.test_tfds_pairs import StreetPairs

STEPS = 20
FOLDER = Path(os.environ.get("FULLGLOW_DATA") or ROOT.parent / "shared" / "data")
MODEL = {key: value for key, value in TINY.items() if "street_scenes" not in key}


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
    "TFDS": (write_tfds, "tfds_256", TFDS),
}


def train(commands, workdir, root, config, **changes):
    values = {**MODEL, "train.steps": STEPS, "train.log_every": 10, "train.validate_every": 20}
    values |= {"train.sample_every": 20, "train.checkpoint_every": 20, "data.root": root, **changes}
    flags = [f"--config.{key}={value}" for key, value in values.items()]
    result = commands(
        "train.py",
        f"--config={ROOT / 'configs' / config}.py",
        f"--workdir={workdir}",
        *flags,
        cwd=workdir.parent,
    )
    assert result.code == 0, result.err
    assert steps_saved(workdir) == [STEPS]
    bits = [
        record["train/bits_per_dim/conditional"]
        for record in read_metrics(workdir)
        if "train/bits_per_dim/conditional" in record
    ]
    assert np.isfinite(bits).all()
    return result


@pytest.mark.parametrize("kind", MADE)
def test_trains(commands, tmp_path, kind):
    write, config, changes = MADE[kind]
    write(tmp_path / "data")
    train(commands, tmp_path / "run", tmp_path / "data", config, **changes)
    assert list((tmp_path / "run" / "samples").glob("*.png"))


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
        *(f"--config.{key}={value}" for key, value in MODEL.items()),
        cwd=tmp_path,
    )
    assert result.code == 1
    assert result.err.startswith("error: images that cannot be used: 1\n")
    assert str(bad) in result.err
    assert "Traceback" not in result.err
    assert not (tmp_path / "run" / "metrics.jsonl").exists()


@pytest.mark.parametrize(
    ("folder", "config"), [("facades_mini", "facades_256"), ("maps_mini", "maps_256")]
)
def test_trains_on_real_pairs(commands, tmp_path, folder, config):
    if not (FOLDER / folder).is_dir():
        pytest.skip(f"no pairs in {FOLDER / folder}; FULLGLOW_DATA names another folder")
    train(commands, tmp_path / "run", (FOLDER / folder).resolve(), config)
