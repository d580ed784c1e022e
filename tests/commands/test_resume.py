"""A run that was stopped, in whichever way, ends where one that was left alone ends."""

import re
import signal

import numpy as np

from fullglow_jax.training.metrics import read_metrics
from tests.commands.running import STEPS, saved_state, steps_saved

SPEED = re.compile("train/(images_per_second|seconds/)")


def without_speed(records):
    return [{k: v for k, v in r.items() if not SPEED.match(k)} for r in records]


def assert_ends_alike(workdir, trained):
    stopped, alone = saved_state(workdir, STEPS), saved_state(trained, STEPS)
    assert stopped.keys() == alone.keys()
    assert {name.split("'")[1] for name in alone} == {"variables", "optimizer"}
    for name, array in alone.items():
        np.testing.assert_array_equal(stopped[name], array, err_msg=name)
    assert without_speed(read_metrics(workdir)) == without_speed(read_metrics(trained))
    data = f"checkpoints/{STEPS}/data/metadata"
    assert (workdir / data).read_text() == (trained / data).read_text()


def test_killed_and_resumed_with_workers(commands, trained, tmp_path):
    run = commands.tiny(tmp_path / "run")
    killed = commands.until("step 6: validation", signal.SIGKILL, "train.py", *run, cwd=tmp_path)
    assert killed.code == -signal.SIGKILL
    assert STEPS not in steps_kept(tmp_path / "run")
    run = commands.tiny(tmp_path / "run", data__workers=2)
    again = commands("train.py", *run, cwd=tmp_path)
    assert again.code == 0, again.err
    assert again.err == ""
    # The checkpoint of step 2 is whole: the one of step 4 waited for it.
    assert re.search(rf"going on from step [246] of {STEPS}", again.out)
    assert_ends_alike(tmp_path / "run", trained)


def steps_kept(workdir):
    return [int(path.name) for path in (workdir / "checkpoints").iterdir() if path.name.isdigit()]


def assert_stopped(result, workdir):
    """Gives the step at which a command says that it stopped, having saved."""
    assert result.code == 0, result.out
    said = re.search(r"stopped at step (\d+), saved; the same command goes on", result.out)
    assert said, result.out
    assert steps_saved(workdir)[-1] == int(said[1])
    return int(said[1])


def test_asked_to_stop_in_the_middle(commands, trained, tmp_path):
    run = commands.tiny(tmp_path / "run")
    line = "step 3: validation"
    stopped = commands.until(line, signal.SIGTERM, "train.py", *run, cwd=tmp_path)
    assert 3 <= assert_stopped(stopped, tmp_path / "run") < STEPS
    again = commands("train.py", *run, cwd=tmp_path)
    assert again.code == 0, again.err
    assert_ends_alike(tmp_path / "run", trained)


def test_asked_to_stop_before_the_first_step(commands, tmp_path):
    run = commands.tiny(tmp_path / "run")
    stopped = commands.until("parameters", signal.SIGINT, "train.py", *run, cwd=tmp_path)
    assert assert_stopped(stopped, tmp_path / "run") == 0
