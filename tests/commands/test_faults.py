"""Whatever happens to a run from outside, it says so, and the same command goes on from there."""

import re
import signal

import numpy as np
import pytest

from fullglow_jax.training.checkpoints import DAMAGED
from tests.commands.running import STEPS, Commands, digests, saved_state, steps_saved
from tests.commands.test_bad_input import assert_refused


def assert_same_end(workdir, trained):
    """A run ended with the parameters and moments of one that was left alone, bit for bit."""
    ended, alone = saved_state(workdir, STEPS), saved_state(trained, STEPS)
    assert ended.keys() == alone.keys()
    for name, array in alone.items():
        np.testing.assert_array_equal(ended[name], array, err_msg=name)


def checkpoint(workdir, step):
    return workdir / "checkpoints" / str(step)


def cut_short(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def arrays_file(folder):
    """The largest of an item's files of arrays."""
    return max(folder.glob("ocdbt.process_0/d/*"), key=lambda path: path.stat().st_size)


def test_damaged_checkpoints_are_put_aside(commands, trained, workdir, tmp_path):
    cut_short(arrays_file(checkpoint(workdir, 8) / "optimizer"))
    (checkpoint(workdir, 6) / "variables" / "manifest.ocdbt").unlink()
    again = commands("train.py", *commands.tiny(workdir), cwd=tmp_path)
    assert again.code == 0, again.err
    assert again.err == ""
    assert f"going on from step 4 of {STEPS}" in again.out
    for step in (8, 6):
        moved = workdir / DAMAGED / str(step)
        said = rf"checkpoints/{step} cannot be read as this model's: .*Moved to {moved}\."
        assert re.search(said, again.out), again.out
        assert moved.is_dir()
    assert_same_end(workdir, trained)


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


def test_disk_full(commands, trained, tmp_path):
    run = commands.tiny(tmp_path / "run")
    full = commands.with_fault("no_room_for_metrics", "train.py", *run, cwd=tmp_path)
    assert_refused(full, str(tmp_path / "run"), "Make room, and the same command goes on")
    full = commands.with_fault("disk_full_from_the_second_save_on", "train.py", *run, cwd=tmp_path)
    saved = [path.name for path in (tmp_path / "run" / "checkpoints").iterdir()]
    (whole,) = (name for name in saved if name.isdigit())
    assert_refused(full, f"Whole ones there are of step: {whole}. Make room")
    again = commands("train.py", *run, cwd=tmp_path)
    assert again.code == 0, again.err
    assert f"going on from step {whole} of {STEPS}" in again.out
    assert_same_end(tmp_path / "run", trained)


def test_asked_to_stop_at_any_moment(commands, trained, tmp_path):
    run = commands.tiny(tmp_path / "run")

    def stopped_at(result):
        assert result.code == 0, result.out + result.err
        (step,) = re.findall(r"stopped at step (\d), saved; the same command goes on", result.out)
        assert steps_saved(tmp_path / "run")[-1] == int(step)
        return int(step)

    stopped = commands.with_fault("sigterm_in_the_third_step", "train.py", *run, cwd=tmp_path)
    assert stopped_at(stopped) == 3
    cold = Commands(commands.scenes, tmp_path / "cache")  # so that there is much to compile
    line = "going on from step 3"
    stopped = cold.until(line, signal.SIGTERM, "train.py", *run, cwd=tmp_path)
    assert stopped_at(stopped) == 3
    stopped = commands.with_fault("sigterm_in_a_save", "train.py", *run, cwd=tmp_path)
    assert stopped_at(stopped) == 4
    again = commands("train.py", *run, cwd=tmp_path)
    assert again.code == 0, again.err
    assert_same_end(tmp_path / "run", trained)


@pytest.mark.parametrize(
    ("fault", "dead", "said"),
    [
        ("second_process_dies_in_the_third_step", 1, "error: process 0 of 2 lost another one: "),
        # The one that they met at: JAX ends the others, which at times can say it themselves.
        ("first_process_dies_in_the_third_step", 0, "another task died|lost another one"),
    ],
)
def test_one_of_two_processes_dies(commands, trained, tmp_path, fault, dead, said):
    run = commands.tiny(tmp_path / "run", train__steps=4, train__sample_every=100)
    died = commands.with_fault(fault, "train.py", *run, cwd=tmp_path, processes=2)
    assert died.code == 128 + signal.SIGKILL, died.out + died.err
    assert f"launch: process {dead} of 2 was ended by SIGKILL" in died.err
    assert re.search(said, died.err)
    if dead == 1:
        assert f"goes on from the last checkpoint in {tmp_path / 'run'}" in died.err
    assert "Traceback" not in died.err
    again = commands("train.py", *run, cwd=tmp_path, processes=2)
    assert again.code == 0, again.err
    assert "4/4" in again.out
    ended, alone = saved_state(tmp_path / "run", 4), saved_state(trained, 4)
    for name, array in alone.items():
        np.testing.assert_allclose(ended[name], array, rtol=1e-5, atol=1e-5, err_msg=name)
