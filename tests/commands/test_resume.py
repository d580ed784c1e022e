"""A run that was stopped, in whichever way, ends where one that was left alone ends."""

import re
import signal

import numpy as np
import pytest

from fullglow_jax.runs.checkpoints import DAMAGED
from fullglow_jax.runs.metrics import read_metrics
from tests.commands.running import STEPS, Commands, saved_state
from tests.commands.test_bad_input import assert_refused
from tests.commands.test_faults import GLOW, arrays_file, checkpoint, cut_short

WIDE = {**GLOW, "model__coupling_width": 96}
"""So wide that a checkpoint is larger than all else."""

SPEED = re.compile("train/(images_per_second|seconds/)")


def without_speed(records):
    return [{k: v for k, v in r.items() if not SPEED.match(k)} for r in records]


def assert_ends_alike(workdir, other):
    stopped, alone = saved_state(workdir, STEPS), saved_state(other, STEPS)
    assert stopped.keys() == alone.keys()
    assert {name.split("'")[1] for name in alone} == {"variables", "optimizer"}
    for name, array in alone.items():
        np.testing.assert_array_equal(stopped[name], array, err_msg=name)
    assert without_speed(read_metrics(workdir)) == without_speed(read_metrics(other))
    data = f"checkpoints/{STEPS}/data/metadata"
    assert (workdir / data).read_text() == (other / data).read_text()


class Stopped:
    """A tiny run that the same command goes on with, each time until something stops it."""

    def __init__(self, commands, folder):
        self.commands, self.folder, self.workdir = commands, folder, folder / "run"
        self.arguments = commands.tiny(self.workdir, **WIDE)
        # Where nothing waits for them, samples would only take time.
        self.without_samples = commands.tiny(self.workdir, train__sample_every=100, **WIDE)

    def until(self, line, number, commands=None):
        commands = commands or self.commands
        return commands.until(line, number, "train.py", *self.arguments, cwd=self.folder)

    def with_fault(self, fault):
        arguments = self.without_samples
        return self.commands.with_fault(fault, "train.py", *arguments, cwd=self.folder)

    def kept(self):
        """The steps of whole checkpoints."""
        names = [path.name for path in (self.workdir / "checkpoints").iterdir()]
        return sorted(int(name) for name in names if name.isdigit())

    def step_of(self, result):
        """The step at which the command says that it stopped, having saved."""
        assert result.code == 0, result.out + result.err
        said = re.search(r"stopped at step (\d+), saved; the same command goes on", result.out)
        assert said, result.out
        assert self.kept()[-1] == int(said[1])
        return int(said[1])


@pytest.fixture
def run(commands, tmp_path):
    return Stopped(commands, tmp_path)


@pytest.fixture
def alone(commands, tmp_path_factory):
    """The workdir of the same run, that nothing stopped."""
    folder = tmp_path_factory.mktemp("alone")
    result = commands.here("train.py", *commands.tiny(folder / "run", **WIDE), cwd=folder)
    assert result.code == 0, result.err
    return folder / "run"


def test_stopped_in_every_way_one_after_the_other(run, alone):
    # ---- before the first step ---------------------------------------------------------------
    assert run.step_of(run.until("parameters", signal.SIGINT)) == 0

    # ---- no room for a line of metrics.jsonl -------------------------------------------------
    full = run.with_fault("no_room_for_metrics")
    assert_refused(full, str(run.workdir), "Make room, and the same command goes on")
    assert run.kept()[-1] in (0, 2)  # while it was being saved, there was no room either

    # ---- asked to, in a validation -----------------------------------------------------------
    assert run.step_of(run.until("step 3: validation", signal.SIGTERM)) == 3

    # ---- no room for a checkpoint: that of step 4 is the last --------------------------------
    full = run.with_fault("disk_full_from_the_second_save_on")
    assert_refused(full, "Whole ones there are of step: ", "Make room")
    (named,) = re.findall(r"of step: ([\d, ]+)\. Make room", full.err)
    whole = [int(step) for step in named.split(", ")]
    assert set(whole) <= set(run.kept())  # the oldest goes with the next save
    assert whole[-1] == run.kept()[-1] == 4

    # ---- killed ------------------------------------------------------------------------------
    killed = run.until("step 6: validation", signal.SIGKILL)
    assert killed.code == -signal.SIGKILL
    assert "going on from step 4" in killed.out
    assert run.kept()[-1] == 4

    # ---- asked to, in a save -----------------------------------------------------------------
    assert run.step_of(run.with_fault("sigterm_in_a_save")) == 6

    # ---- asked to, while it compiles ---------------------------------------------------------
    cold = Commands(run.commands.scenes, run.folder / "cache")  # so that there is much to compile
    assert run.step_of(run.until("going on from step 6", signal.SIGTERM, cold)) == 6

    # ---- asked to, in a step -----------------------------------------------------------------
    assert run.step_of(run.with_fault("sigterm_in_a_step")) == 7

    # ---- left alone, with two of its checkpoints damaged; workers read ahead -----------------
    cut_short(arrays_file(checkpoint(run.workdir, 7) / "optimizer"))
    (checkpoint(run.workdir, 6) / "variables" / "manifest.ocdbt").unlink()
    arguments = run.commands.tiny(run.workdir, data__workers=2, **WIDE)
    again = run.commands("train.py", *arguments, cwd=run.folder)
    assert again.code == 0, again.err
    assert again.err == ""
    assert f"going on from step 4 of {STEPS}" in again.out
    for step in (7, 6):
        moved = run.workdir / DAMAGED / str(step)
        said = rf"checkpoints/{step} cannot be read as this model's: .*Moved to {moved}\."
        assert re.search(said, again.out), again.out
        assert moved.is_dir()
    assert_ends_alike(run.workdir, alone)
