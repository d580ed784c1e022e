"""Runs on several devices and in several processes, against the same run on one device."""

import re
import shutil

import numpy as np
import pytest
from PIL import Image

from fullglow_jax.runs.metrics import read_metrics
from tests.commands.running import digests, saved_state
from tests.commands.test_faults import GLOW

STEPS, EVERY = 8, 4
LOSSES = re.compile("(train|validation)/bits_per_dim/")


def run(commands, workdir, steps=STEPS, devices=1, processes=1, **changes):
    settings = {
        **GLOW,
        "model__steps": "(1,)",
        "train__batch_size": 8,
        "train__steps": steps,
        "train__validate_every": EVERY,
        "train__sample_every": STEPS,
        "train__checkpoint_every": EVERY,
        "train__keep_last": 10,
        "optimizer__constant_epochs": 40,  # whatever the steps: the learning rate stays the same
        "optimizer__average_decay": 0.9,
        **changes,
    }
    arguments = commands.tiny(workdir, **settings)
    if devices == processes == 1:
        result = commands.here("train.py", *arguments, cwd=workdir.parent)
    else:
        how = {"cwd": workdir.parent, "devices": devices, "processes": processes}
        result = commands("train.py", *arguments, **how)
    assert result.code == 0, result.out + result.err
    return result.out


@pytest.fixture(scope="module")
def on_one(commands, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("on_one") / "run"
    run(commands, workdir)
    return workdir


def losses(workdir):
    return [{k: v for k, v in r.items() if LOSSES.match(k)} for r in read_metrics(workdir)]


def pixels(path):
    return np.asarray(Image.open(path)).astype(int)


def test_each_run_goes_on_on_other_devices(commands, on_one, tmp_path):
    """2 processes of 2 devices for the first steps; one of 4 in fsdp, in parts, for the others."""
    workdir = tmp_path / "run"
    first = run(commands, workdir, EVERY, devices=2, processes=2)
    assert first.count("4 devices in 2 processes") == 1  # told by the first alone
    last = run(commands, workdir, devices=4, parallel__fsdp=2, train__accumulate=2)
    assert "4 devices, fsdp over 2" in last
    assert f"going on from step {EVERY} of {STEPS}" in last

    for step in range(EVERY, STEPS + 1, EVERY):
        here, there = saved_state(workdir, step), saved_state(on_one, step)
        assert here.keys() == there.keys()
        assert {name.split("'")[1] for name in there} == {"variables", "optimizer", "average"}
        for name, array in there.items():
            np.testing.assert_allclose(here[name], array, rtol=0, atol=1e-5, err_msg=name)
        data = f"checkpoints/{step}/data/metadata"
        assert (workdir / data).read_text() == (on_one / data).read_text()
    picture = f"samples/step_{STEPS:07d}.png"
    assert np.abs(pixels(workdir / picture) - pixels(on_one / picture)).max() <= 1
    assert len(losses(on_one)) == STEPS + 1 + STEPS // EVERY
    for one, other in zip(losses(workdir), losses(on_one), strict=True):
        assert one == pytest.approx(other, rel=1e-5, abs=1e-5)


def test_scores_and_samples_are_the_same_in_two_processes(commands, trained, tmp_path):
    reports, sets = [], []
    for processes in (1, 2):
        workdir = tmp_path / str(processes)
        shutil.copytree(trained, workdir)
        shared = {"cwd": tmp_path, "processes": processes}
        # In two, the state is split over both.
        how = f"--config.parallel.fsdp={processes}"
        metrics = ("--metrics=bpd,ssim,diversity", "--rounds=2", "--batch_size=2")
        scored = commands("eval.py", f"--workdir={workdir}", how, *metrics, **shared)
        assert scored.code == 0, scored.err
        reports.append((workdir / "eval.json").read_text())
        (drawn,) = (workdir / "samples").glob("set_*")
        sets.append(drawn)
    one, two = (
        [float(number) for number in re.findall(r"-?\d+\.\d+", report)] for report in reports
    )
    assert two == pytest.approx(one, rel=1e-5, abs=1e-6)

    assert digests(sets[1]).keys() == digests(sets[0]).keys()

    # What eval.py draws for a round, sample.py draws as that sample.
    sampled = commands("sample.py", f"--workdir={workdir}", how, "--samples=2", devices=2, **shared)
    assert sampled.code == 0, sampled.err
    assert sampled.out.count("grid: ") == 1  # told by the first alone
    (folder,) = (workdir / "samples").glob("step_*_seed_0")
    for number in (1, 2):
        images = sorted((sets[0] / f"round_{number}").iterdir())
        assert len(images) == 3
        for place, image in enumerate(images):
            (sample,) = folder.glob(f"{place:03d}_*__{number - 1:03d}.png")
            for other in (sets[1] / f"round_{number}" / image.name, sample):
                assert np.abs(pixels(other) - pixels(image)).max() <= 1
