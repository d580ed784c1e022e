"""eval.py on images: those it draws, and those of any folder, good and bad."""

import json
import shutil
import signal

import numpy as np
import pytest
from PIL import Image

from fullglow_jax.evaluation.command import evaluate as evaluate_here
from fullglow_jax.evaluation.request import EvaluationRequest
from fullglow_jax.runs.trained import stored_config
from tests.commands.running import digests

METRICS = "--metrics=bpd,ssim,psnr,diversity"
REPORT = ("eval.html", "eval_samples.png", "eval_bits_per_dim.png")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("eval_images")


@pytest.fixture(scope="module")
def run(trained, folder):
    return shutil.copytree(trained, folder / "run")


@pytest.fixture(scope="module")
def evaluate(commands, run, folder):
    def evaluate(*arguments):
        return commands.here(
            "eval.py", f"--workdir={run}", "--batch_size=2", *arguments, cwd=folder
        )

    return evaluate


def score(run, images, **asked):
    """What eval.py does with a folder's images, in this process."""
    request = EvaluationRequest(workdir=run, images=images, metrics=("ssim",), **asked)
    return evaluate_here(stored_config(run, "latest"), request)


@pytest.fixture(scope="module")
def drawn(evaluate, run):
    """The report of a whole evaluation, and the folder of what was drawn for it."""
    result = evaluate(METRICS, "--rounds=2", "--draws=3")
    assert result.code == 0, result.err
    (of_set,) = (run / "samples").glob("set_*")
    return (run / "eval.json").read_bytes(), of_set, result.out


def test_report(drawn, run):
    content, _, printed = drawn
    report = json.loads(content)
    assert report["examples"] == 3
    assert report["draws"] == 3
    bits = report["bits_per_dim"]["conditional"]["mean"]
    weighted = report["importance_weighted_bits_per_dim"]
    assert weighted.keys() == {"conditional", "source"}
    assert bits - 0.1 < weighted["conditional"]["mean"] < bits
    images = report["images"]
    assert (images["rounds"], images["left_out"], images["temperature"]) == (2, [], 0.7)
    assert len(images["ssim"]["rounds"]) == len(images["psnr"]["rounds"]) == 2
    assert -1 < images["ssim"]["mean"] < 0.9
    assert 3 < images["psnr"]["mean"] < 40
    assert 0 < images["diversity"]["mean"] < 1
    assert not list(run.glob(".eval*"))
    assert all((run / file).is_file() for file in REPORT)
    markdown = (run / "eval.md").read_text()
    assert "3 examples of val, step 8, 2 rounds of images" in markdown
    row = f"| ssim | {images['ssim']['mean']:.4f} | {images['ssim']['deviation']:.4f} |"
    assert row in markdown
    assert f"{bits:.4f}" in printed


def test_an_interrupted_evaluation_ends_in_the_same_report(commands, drawn, run, folder):
    content, of_set, _ = drawn
    before = digests(of_set)
    for file in list((of_set / "round_1").iterdir())[1:]:
        file.unlink()
    shutil.rmtree(of_set / "round_2")
    (run / "eval.json").unlink()
    arguments = ("eval.py", f"--workdir={run}", "--batch_size=2", METRICS, "--rounds=2")
    arguments += ("--draws=3",)
    # Of two batches for bits/dim and three pairs, each of which is a finding.
    killed = commands.with_fault("killed_after_the_fourth_finding", *arguments, cwd=folder)
    assert killed.code == -signal.SIGKILL
    assert not (run / "eval.json").exists()
    again = commands.with_fault("killed_after_the_second_finding", *arguments, cwd=folder)
    assert again.code == 0, again.err  # there was but one left to find
    assert (run / "eval.json").read_bytes() == content
    assert digests(of_set) == before
    assert not list(run.glob(".eval*"))


@pytest.fixture
def images(drawn, tmp_path):
    """A copy of the images alone."""
    for number in (1, 2):
        shutil.copytree(drawn[1] / f"round_{number}", tmp_path / "images" / f"round_{number}")
    return tmp_path / "images"


def test_images_of_any_system(commands, drawn, evaluate, run, images, tmp_path):
    result = evaluate("--metrics=ssim,psnr", f"--images={images}")
    assert result.code == 0, result.err
    report = json.loads((images / "eval.json").read_text())
    of_model = json.loads(drawn[0])["images"]
    assert report["checkpoint"] is None
    assert report["images"]["ssim"]["rounds"] == of_model["ssim"]["rounds"]
    compared = commands.here("eval.py", f"--compare={run},{images}", cwd=tmp_path)
    assert compared.code == 0, compared.err
    table = (tmp_path / "comparison" / "comparison.md").read_text()
    assert f"| images | – | – | – | – | {report['images']['ssim']['mean']:.4f} ±" in table
    assert "| run | " in table
    for alone in ("--out=there", "--compare=nowhere"):
        refused = commands("eval.py", alone, cwd=tmp_path)
        assert refused.code == 1
        assert "--compare" in refused.err
        assert "Traceback" not in refused.err
    score(run, images / "round_1")
    report = json.loads((images / "round_1" / "eval.json").read_text())
    assert report["images"]["ssim"]["rounds"] == of_model["ssim"]["rounds"][:1]
    assert report["images"]["ssim"]["deviation"] is None


def spoil(images):
    """Three kinds of bad images, of two pairs; what each is told by."""
    missing, damaged, _ = sorted((images / "round_1").iterdir())
    missing.unlink()
    damaged.write_bytes(damaged.read_bytes()[:60])
    small = images / "round_2" / damaged.name
    Image.fromarray(np.zeros((5, 5, 3), np.uint8)).save(small)
    return (
        "no image for a pair of the split: 1",
        f"{missing}",
        "images that cannot be read: 1",
        f"{damaged}",
        f"{small} is 5×5, not 10×20 or the truth's 16×32",
    )


def test_bad_images_are_named_and_nothing_is_scored(commands, run, images):
    named = spoil(images)
    arguments = (f"--workdir={run}", "--metrics=ssim", f"--images={images}")
    result = commands("eval.py", *arguments, cwd=run.parent)
    assert result.code == 1
    assert "Traceback" not in result.err
    for text in named:
        assert text in result.err
    assert not (images / "eval.json").exists()


def test_bad_images_can_be_left_out(run, images, capsys):
    named = spoil(images)
    score(run, images, skip_bad=True)
    said = capsys.readouterr().out
    report = json.loads((images / "eval.json").read_text())
    assert report["examples"] == 1
    assert len(report["images"]["left_out"]) == 2
    for text in named:
        assert text in said
