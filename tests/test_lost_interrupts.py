"""Ctrl-C ends a command wherever it comes."""

import subprocess
import sys

import pytest

from tests.commands.running import ROOT

PROGRAM = """
import gc
import signal

from fullglow_jax import cli

def interrupt(*_):
    if interrupt in gc.callbacks:
        gc.callbacks.remove(interrupt)
        signal.raise_signal(signal.SIGINT)

class Interrupts:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)

def in_the_collector():
    gc.callbacks.append(interrupt)
    gc.collect()

def in_a_finalizer():
    Interrupts()

def main(argv):
    globals()[argv[0]]()
    while True:
        signal.pause()

cli.run(main)
"""


@pytest.mark.parametrize("where", ["in_the_collector", "in_a_finalizer"])
def test_it_is_not_lost_where_nothing_can_catch_it(where):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, where],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (130, "interrupted\n")
