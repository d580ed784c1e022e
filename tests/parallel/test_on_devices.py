"""What eight devices do that one does too, and what they move for it."""

import json
import os
import subprocess
import sys

import pytest

from tests.commands.running import ROOT


@pytest.fixture(scope="module")
def found(compiled):
    """What `tests.parallel.on_devices` found."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.parallel.on_devices"],
        cwd=ROOT,
        env={
            **os.environ,
            "JAX_PLATFORMS": "cpu",
            "JAX_NUM_CPU_DEVICES": "8",
            "JAX_COMPILATION_CACHE_DIR": str(compiled),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_gradients_agree_with_those_of_the_whole_batch_on_one_device(found):
    assert len(found["gradients"]) == 2
    for case, difference in found["gradients"].items():
        assert difference < (1e-3 if "invert" in case else 1e-4), case


def test_batch_norms_are_of_the_whole_batch_on_however_many_devices(found):
    assert len(found["gans"]) == 2
    for case, difference in found["gans"].items():
        assert difference < 1e-5, case


def test_a_step_moves_no_more_than_the_parameters(found):
    # Each parameter's gradient once, and some scalars.
    assert 1.0 <= found["all-reduced"] <= 1.02


@pytest.mark.parametrize("fsdp", [1, 2, 4, 8])
def test_fsdp_splits_parameters_and_moments(found, fsdp):
    assert found["state"][str(fsdp)] == pytest.approx(1 / fsdp, rel=0.1)


def test_a_states_digest_does_not_depend_on_where_it_lies(found):
    assert len(found["digests"]) == 5
    assert len(set(found["digests"])) == 1


def test_judges_say_the_same_on_all_of_them(found):
    assert len(found["judges"]) == 4
    for case, difference in found["judges"].items():
        assert difference < (1e-4 if "features" in case else 0.01), case
