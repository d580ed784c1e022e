"""The threads of LAPACK in a command, as a process of its own."""

import os
import subprocess
import sys

import pytest

from fullglow_jax.lapack_threads import THREADS

PROGRAM = """
import sys
from fullglow_jax import cli

def main(argv):
    assert not {"numpy", "scipy", "jax"} & set(sys.modules)
    import scipy.linalg
    from threadpoolctl import threadpool_info
    threads = [pool["num_threads"] for pool in threadpool_info() if "openblas" in pool["filepath"]]
    print(*threads)

cli.run(main)
"""


TWO = min(2, len(os.sched_getaffinity(0)))  # no more than there are cores


@pytest.mark.parametrize(("own", "expected"), [({}, 1), ({THREADS: "2"}, TWO)])
def test_a_command_has_one_unless_the_user_asks_for_more(own, expected):
    environment = {name: value for name, value in os.environ.items() if name != THREADS} | own
    command = [sys.executable, "-c", PROGRAM]
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert set(map(int, found.stdout.split())) == {expected}
