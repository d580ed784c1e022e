"""Damaged checkpoints, and the loss of one of several processes: each is told of."""

import re
import signal

import numpy as np
import pytest

from tests.commands.running import digests, saved_state, steps_saved
from tests.commands.test_bad_input import assert_refused


def checkpoint(workdir, step):
    return workdir / "checkpoints" / str(step)


def cut_short(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def arrays_file(folder):
    """The largest of an item's files of arrays."""
    return max(folder.glob("ocdbt.process_0/d/*"), key=lambda path: path.stat().st_size)


def test_all_checkpoints_damaged(commands, workdir, tmp_path):
    for step in steps_saved(workdir):
        cut_short(checkpoint(workdir, step) / "data" / "metadata")
    before = digests(workdir)
    refused = commands("train.py", *commands.tiny(workdir), cwd=tmp_path)
    assert_refused(refused, str(checkpoint(workdir, 8)))
    assert digests(workdir) == before


@pytest.mark.parametrize("script", ["sample.py", "eval.py"])
def test_latest_is_the_latest_that_can_be_read(commands, workdir, tmp_path, script):
    damaged = checkpoint(workdir, 8)
    # What the command reads first, and what it reads last.
    cut_short(
        damaged / "config" / "metadata"
        if script == "eval.py"
        else arrays_file(damaged / "variables")
    )
    before = digests(workdir / "checkpoints")
    result = commands(script, f"--workdir={workdir}", cwd=tmp_path)
    assert result.code == 0, result.err
    if script == "sample.py":
        assert result.err.count("\n") == 1
        assert f"{damaged} cannot be read" in result.err
        assert "Step 6 is used" in result.err
        assert (workdir / "samples" / "step_0000006_seed_0" / "grid.png").is_file()
    assert digests(workdir / "checkpoints") == before


GLOW = {"model__name": "glow"}
"""Where it is no matter which model is trained: it is traced and compiled soonest."""

SHORT = {
    **GLOW,
    "train__steps": 4,
    "train__checkpoint_every": 1,
    "train__validate_at_start": False,
}


@pytest.fixture(scope="module")
def alone(commands, tmp_path_factory):
    """The workdir of a short run that was left alone."""
    folder = tmp_path_factory.mktemp("alone")
    result = commands.here("train.py", *commands.tiny(folder / "run", **SHORT), cwd=folder)
    assert result.code == 0, result.err
    return folder / "run"


@pytest.mark.parametrize(
    ("fault", "dead", "said"),
    [
        ("second_process_dies_in_the_third_step", 1, "error: process 0 of 2 lost another one: "),
        # The one that they met at: JAX ends the others, which at times can say it themselves.
        ("first_process_dies_in_the_third_step", 0, "another task died|lost another one"),
    ],
)
def test_one_of_two_processes_dies(commands, alone, tmp_path, fault, dead, said):
    run = commands.tiny(tmp_path / "run", **SHORT)
    died = commands.with_fault(fault, "train.py", *run, cwd=tmp_path, processes=2)
    assert died.code == 128 + signal.SIGKILL, died.out + died.err
    assert f"launch: process {dead} of 2 was ended by SIGKILL" in died.err
    assert re.search(said, died.err)
    assert "Traceback" not in died.err
    if dead == 0:
        return
    assert f"goes on from the last checkpoint in {tmp_path / 'run'}" in died.err
    # What the two have saved is enough for one. The checkpoint of step 2 waited for that of step 1.
    again = commands("train.py", *run, cwd=tmp_path)
    assert again.code == 0, again.err
    assert re.search("going on from step [12] of 4", again.out)
    ended, expected = saved_state(tmp_path / "run", 4), saved_state(alone, 4)
    assert ended.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_allclose(ended[name], array, rtol=1e-5, atol=1e-5, err_msg=name)
