"""A segmentation network through the same three commands as flows, and as the judge of photos."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from fullglow_jax.config.config_file import read_config
from fullglow_jax.errors import UserError
from fullglow_jax.evaluation.command import evaluate
from fullglow_jax.evaluation.comparison import compare
from fullglow_jax.evaluation.request import EvaluationRequest
from fullglow_jax.runs.trained import stored_config
from fullglow_jax.sampling.command import sample
from fullglow_jax.sampling.request import SampleRequest
from fullglow_jax.training.loop import train as learn
from tests.commands.running import ROOT

SMALL = {
    "data.image_size": "(16,32)",
    "data.street_scenes.train": 6,
    "data.street_scenes.val": 3,
    "data.street_scenes.height": 16,
    "data.street_scenes.width": 32,
    "model.width": 4,
    "model.bins": "(1,2)",
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
        result = commands.here("train.py", *arguments, cwd=workdir.parent)
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
    name = "validation/cross_entropy"
    scores = [record[name] for record in records if name in record]
    assert len(scores) == 2
    assert np.isfinite(scores).all()
    common = (f"--workdir={judge}", "--batch_size=2")
    sampled = commands.here("sample.py", *common, "--count=2", "--temperature=0", cwd=judge)
    assert sampled.code == 0, sampled.err
    (picture, *_) = (judge / "samples").glob("step_0000004_seed_0/**/000_*.png")
    assert np.asarray(Image.open(picture)).shape == (16, 32, 3)
    scored = commands.here("eval.py", *common, "--metrics=photo2label", "--rounds=1", cwd=judge)
    assert scored.code == 0, scored.err
    images = json.loads((judge / "eval.json").read_text())["images"]
    assert 0 <= images["photo2label"]["pixel_accuracy"]["mean"] <= 1


def test_what_it_cannot_do_is_refused(judge):
    config = stored_config(judge, "latest")
    scores = EvaluationRequest(workdir=judge, metrics=("bpd",))
    with pytest.raises(UserError, match=r"a pspnet, has no likelihood of images.* photo2label"):
        evaluate(config, scores)
    with pytest.raises(UserError, match="a pspnet, cannot encode images"):
        sample(config, SampleRequest(workdir=judge, mode="reconstruct"))


def test_it_judges_photos(commands, trained, judge, tmp_path):
    workdir = shutil.copytree(trained, tmp_path / "run")
    stored = tmp_path / "true.npz"
    metrics = "--metrics=psp,ssim,diversity,fd_judge,kd_judge"
    arguments = (f"--judge={judge}", "--rounds=2", "--batch_size=2", f"--save_statistics={stored}")
    result = commands.here("eval.py", f"--workdir={workdir}", metrics, *arguments, cwd=tmp_path)
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
    told = (workdir / "eval.md").read_text()
    assert "psp of true photos, class IoU, %" in told
    for note in ("FD-judge of 3 images is biased upward", "KD-judge is of subsets of 3 images"):
        assert f"note: {note}" in result.out
        assert note in told
    compared_with_stored_statistics(workdir, judge, stored, images["fd_judge"])
    beside_a_gan(commands.scenes, workdir, judge, tmp_path)


def compared_with_stored_statistics(workdir, judge, stored, before):
    """The same images, now any folder's, and the true ones as a file: the same distance."""
    (drawn,) = (workdir / "samples").glob("set_*")
    with np.load(stored) as arrays:
        assert arrays["mu"].shape == (len(arrays["sigma"]),)
        assert str(arrays["network"]) == "judge, step 4"
    request = EvaluationRequest(
        workdir=workdir, images=drawn, judge=judge, metrics=("fd_judge",), against=stored
    )
    found = evaluate(stored_config(workdir, "latest"), request)["images"]["fd_judge"]
    assert found["against"] == "true.npz"
    assert found["network"] == before["network"] == "judge, step 4"
    assert found["distance"]["rounds"] == pytest.approx(before["distance"]["rounds"], rel=1e-5)
    assert min(found["distance"]["rounds"]) > 0


def beside_a_gan(scenes, flow, judge, tmp_path):
    """The flow and a GAN of the same data, in one table with every figure of both."""
    config, gan = read_config(str(ROOT / "configs" / "pix2pix_street_scenes.py")), tmp_path / "gan"
    values = {"data.root": str(scenes), "data.image_size": (16, 32), "train.steps": 1}
    for name in ("train", "val", "height", "width"):
        values[f"data.street_scenes.{name}"] = SMALL[f"data.street_scenes.{name}"]
    for name in ("width", "discriminator_width", "discriminator_layers"):
        values[f"model.{name}"] = 1
    config.update_from_flattened_dict(
        values | {"train.batch_size": 2, "train.sample_at_start": False}
    )
    learn(config, gan)
    metrics = ("psp", "ssim", "diversity", "fd_judge")
    request = EvaluationRequest(workdir=gan, judge=judge, metrics=metrics, rounds=2)
    evaluate(stored_config(gan, "latest"), request)
    compare([flow, gan], tmp_path / "table")
    rows = (tmp_path / "table" / "comparison.md").read_text().splitlines()
    header, _, *rows = (row.strip("| ").split(" | ") for row in rows if row.startswith("|"))
    columns = ("pixel acc.", "class IoU", "ssim", "diversity", "FD-judge")
    figures = {row[0]: [row[header.index(column)] for column in columns] for row in rows}
    for name in (flow.name, "gan"):
        assert not [text for text in figures[name] if text.startswith("–")], figures
    assert figures["true photos"][0] != "–"
