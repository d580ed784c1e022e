"""The paper's config on real Cityscapes pairs, where there are some, at a quarter of its size."""

import json
import os
from pathlib import Path

import pytest

from fullglow_jax.runs.metrics import read_metrics
from tests.commands.running import ROOT, steps_saved

FOLDER = Path(os.environ.get("FULLGLOW_DATA") or ROOT.parent / "shared" / "data")
DATA = FOLDER / "cityscapes_mini"

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"no Cityscapes pairs in {DATA}; FULLGLOW_DATA names another folder"
)

VALIDATION = "validation/bits_per_dim/conditional"


def arguments(workdir, steps):
    values = {
        "data.root": DATA.resolve(),
        "data.image_size": "(64,64)",
        "model.steps": "(1,1)",
        "model.coupling_width": 16,
        "model.spatial_width": 8,
        "optimizer.learning_rate": 1e-3,
        "train.steps": steps,
        "train.log_every": 1,
        "train.samples_per_condition": 1,
        "train.validate_at_start": True,
    }
    config = ROOT / "configs" / "cityscapes_256.py"
    overrides = [f"--config.{key}={value}" for key, value in values.items()]
    return [f"--config={config}", f"--workdir={workdir}", *overrides]


@pytest.fixture(scope="module")
def run(commands, tmp_path_factory):
    """A run of eight steps that was continued to twelve, and what the second command said."""
    folder = tmp_path_factory.mktemp("cityscapes")
    for steps in (8, 12):
        result = commands.here("train.py", *arguments(folder / "run", steps), cwd=folder)
        assert result.code == 0, result.err
    return folder / "run", result


def test_bits_per_dim_fall(run):
    workdir, _ = run
    validated = [(r["step"], r[VALIDATION]) for r in read_metrics(workdir) if VALIDATION in r]
    assert [step for step, _ in validated] == [0, 8, 12]
    bits = [value for _, value in validated]
    assert bits[0] > bits[1] > bits[2] > 0


def test_continues(run):
    workdir, again = run
    assert "going on from step 8 of 12" in again.out
    assert steps_saved(workdir) == [8, 12]
    trained = [r["step"] for r in read_metrics(workdir) if VALIDATION not in r]
    assert trained == list(range(1, 13))


def test_sample_and_eval_read_it(commands, run, tmp_path):
    workdir, _ = run
    sampled = commands.here(
        "sample.py", f"--workdir={workdir}", "--count=1", "--samples=1", cwd=tmp_path
    )
    assert sampled.code == 0, sampled.err
    assert len(list((workdir / "samples" / "step_0000012_seed_0").glob("*.png"))) == 2
    scored = commands.here("eval.py", f"--workdir={workdir}", "--batch_size=1", cwd=tmp_path)
    assert scored.code == 0, scored.err
    report = json.loads((workdir / "eval.json").read_text())
    last = [r[VALIDATION] for r in read_metrics(workdir) if VALIDATION in r][-1]
    assert report["bits_per_dim"]["conditional"]["mean"] == pytest.approx(last, abs=0.02)
