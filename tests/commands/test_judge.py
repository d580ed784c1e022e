"""A segmentation network through the same three commands as flows, and as the judge of photos."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from tests.commands.running import ROOT

SMALL = {
    "data.image_size": "(16,32)",
    "data.street_scenes.train": 6,
    "data.street_scenes.val": 3,
    "data.street_scenes.height": 16,
    "data.street_scenes.width": 32,
    "model.pspnet.width": 4,
    "train.batch_size": 2,
    "train.log_every": 1,
    "train.validate_every": 2,
    "train.sample_every": 2,
    "train.checkpoint_every": 2,
}


@pytest.fixture(scope="module")
def train(commands):
    def train(workdir, steps):
        values = {"data.root": commands.scenes, **SMALL, "train.steps": steps}
        config = ROOT / "configs" / "pspnet_street_scenes.py"
        overrides = [f"--config.{key}={value}" for key, value in values.items()]
        arguments = (f"--config={config}", f"--workdir={workdir}", *overrides)
        result = commands("train.py", *arguments, cwd=workdir.parent)
        assert result.code == 0, result.err
        return result

    return train


@pytest.fixture(scope="module")
def judge(train, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("judge") / "judge"
    train(workdir, 2)
    assert "going on from step 2" in train(workdir, 4).out
    return workdir


def test_it_trains_samples_and_is_scored_as_any_model(commands, judge):
    records = [json.loads(line) for line in (judge / "metrics.jsonl").read_text().splitlines()]
    bits = [
        r["validation/bits_per_dim/label"] for r in records if "validation/bits_per_dim/label" in r
    ]
    assert len(bits) == 2
    assert np.isfinite(bits).all()
    common = (f"--workdir={judge}", "--batch_size=2")
    sampled = commands("sample.py", *common, "--count=2", "--temperature=0", cwd=judge)
    assert sampled.code == 0, sampled.err
    (picture, *_) = (judge / "samples").glob("step_0000004_seed_0/**/000_*.png")
    assert np.asarray(Image.open(picture)).shape == (16, 32, 3)
    scored = commands("eval.py", *common, "--metrics=bpd,photo2label", "--rounds=1", cwd=judge)
    assert scored.code == 0, scored.err
    report = json.loads((judge / "eval.json").read_text())
    assert report["bits_per_dim"]["label"]["mean"] == pytest.approx(bits[-1], rel=1e-5)
    encoded = commands("sample.py", *common, "--mode=reconstruct", cwd=judge)
    assert encoded.code == 1
    assert "a pspnet cannot encode images" in encoded.err


def test_it_judges_photos(commands, trained, judge, tmp_path):
    workdir = shutil.copytree(trained, tmp_path / "run")
    arguments = ("--metrics=psp,diversity", f"--judge={judge}", "--rounds=2", "--batch_size=2")
    result = commands("eval.py", f"--workdir={workdir}", *arguments, cwd=tmp_path)
    assert result.code == 0, result.err
    images = json.loads((workdir / "eval.json").read_text())["images"]
    assert 0 < images["diversity"]["features"]["mean"] < 4
    psp = images["psp"]
    assert psp["judge"] == "judge, step 4"
    assert (workdir / "eval_confusion.png").is_file()
    for scores, rounds in ((psp, 2), (psp["ground_truth"], 1), (psp["shuffled"], 2)):
        assert len(scores["class_iou"]["rounds"]) == rounds
        assert 0 <= scores["pixel_accuracy"]["mean"] <= 1
    counts = {name: np.sum(psp[name]["confusion"]) for name in ("ground_truth", "shuffled")}
    assert np.sum(psp["confusion"]) == 2 * counts["ground_truth"] == counts["shuffled"]
    assert "psp of true photos, class IoU, %" in (workdir / "eval.md").read_text()
