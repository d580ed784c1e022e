"""Runs on several devices and in several processes, against the same run on one device."""

import re
import shutil

import numpy as np
import pytest
from PIL import Image

from fullglow_jax.training.metrics import read_metrics
from tests.commands.running import saved_state, steps_saved

STEPS = 20
NEVER = 1000
LOSSES = re.compile("(train|validation)/bits_per_dim/")


def run(commands, workdir, steps=STEPS, devices=1, processes=1, **changes):
    settings = {
        "train__batch_size": 8,
        "train__steps": steps,
        "train__validate_every": 10,
        "train__sample_every": STEPS,
        "train__checkpoint_every": 5,
        "train__keep_last": 10,
        "optimizer__constant_epochs": 40,  # whatever the steps: the learning rate stays the same
        "optimizer__average_decay": 0.9,
        **changes,
    }
    arguments = commands.tiny(workdir, **settings)
    result = commands(
        "train.py", *arguments, cwd=workdir.parent, devices=devices, processes=processes
    )
    assert result.code == 0, result.out + result.err
    return result


@pytest.fixture(scope="module")
def on_one(commands, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("on_one") / "run"
    run(commands, workdir)
    return workdir


@pytest.fixture(scope="module")
def on_eight(commands, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("on_eight") / "run"
    assert "8 devices" in run(commands, workdir, devices=8, train__sample_every=NEVER).out
    return workdir


def assert_alike(workdir, expected):
    here, there = saved_state(workdir, STEPS), saved_state(expected, STEPS)
    assert here.keys() == there.keys()
    assert {name.split("'")[1] for name in there} == {"variables", "optimizer", "average"}
    for name, array in there.items():
        np.testing.assert_allclose(here[name], array, rtol=0, atol=1e-5, err_msg=name)
    losses, expected_losses = (
        [{k: v for k, v in r.items() if LOSSES.match(k)} for r in read_metrics(of)]
        for of in (workdir, expected)
    )
    assert len(losses) == STEPS + 3
    for one, other in zip(losses, expected_losses, strict=True):
        assert one == pytest.approx(other, rel=1e-5, abs=1e-5)
    data = f"checkpoints/{STEPS}/data/metadata"
    assert (workdir / data).read_text() == (expected / data).read_text()


def test_eight_devices(on_one, on_eight):
    assert_alike(on_eight, on_one)


def test_two_processes_of_two_devices(commands, on_one, tmp_path):
    result = run(commands, tmp_path / "run", devices=2, processes=2)
    assert result.out.count("4 devices in 2 processes") == 1  # told by the first alone
    assert_alike(tmp_path / "run", on_one)
    picture = f"samples/step_{STEPS:07d}.png"
    ours, expected = (
        np.asarray(Image.open(of / picture)).astype(int) for of in (tmp_path / "run", on_one)
    )
    assert np.abs(ours - expected).max() <= 1


def test_fsdp_in_parts(commands, on_one, tmp_path):
    how = {"parallel__fsdp": 4, "train__accumulate": 2, "train__sample_every": NEVER}
    result = run(commands, tmp_path / "run", devices=4, **how)
    assert "4 devices, fsdp over 4" in result.out
    assert_alike(tmp_path / "run", on_one)


def test_goes_on_on_other_devices(commands, on_one, on_eight, tmp_path):
    """8 devices for 5 steps, 1 up to the 10th, 2 processes of 4 up to the 20th."""
    workdir = tmp_path / "run"
    shutil.copytree(on_eight, workdir)
    for step in steps_saved(workdir)[1:]:
        shutil.rmtree(workdir / "checkpoints" / str(step))
    assert steps_saved(workdir) == [5]
    assert "going on from step 5 of 10" in run(commands, workdir, steps=10).out
    again = run(commands, workdir, devices=4, processes=2, train__sample_every=NEVER)
    assert f"going on from step 10 of {STEPS}" in again.out
    assert_alike(workdir, on_one)


def test_scores_and_samples_are_the_same_in_two_processes(commands, on_one, tmp_path):
    reports, grids = [], []
    for processes in (1, 2):
        workdir = tmp_path / str(processes)
        shutil.copytree(on_one, workdir)
        shared = {"cwd": tmp_path, "processes": processes}
        metrics = ("--metrics=bpd,ssim,diversity", "--rounds=2", "--batch_size=2")
        scored = commands("eval.py", f"--workdir={workdir}", *metrics, **shared)
        assert scored.code == 0, scored.err
        reports.append((workdir / "eval.json").read_text())
        drawn = commands(
            "sample.py", f"--workdir={workdir}", "--samples=2", f"--out={workdir}/drawn", **shared
        )
        assert drawn.code == 0, drawn.err
        grids.append(np.asarray(Image.open(workdir / "drawn" / "grid.png")).astype(int))
    one, two = (
        [float(number) for number in re.findall(r"-?\d+\.\d+", report)] for report in reports
    )
    assert two == pytest.approx(one, rel=1e-5, abs=1e-6)
    assert np.abs(grids[0] - grids[1]).max() <= 1
