"""Worker processes: as few as can be, for each takes its time to start."""

import multiprocessing
import os
import signal
import subprocess
import sys

import jax
import numpy as np
import pytest
from jax._src import xla_bridge

from fullglow_jax.errors import UserError
from fullglow_jax.models.annotations import Annotations
from tests.commands.running import ROOT
from tests.data.test_pipeline import Numbered, Sided, assert_equal, start, take


def test_batches_do_not_depend_on_workers_wherever_they_are_resumed():
    options = {"flip": True, "size": (3, 6), "annotations": Annotations("smooth", ((2, 4),))}
    expected = take(start(Sided(10), **options), 19)
    place = 0
    for workers, count in ((0, 3), (2, 9), (0, 7)):
        batches = start(Sided(10), workers=workers, **options)
        batches.set_state({"next_batch": place})
        for host in take(batches, count):
            assert_equal(host, expected[place])
            # Not in memory that processes share, which must not be left behind.
            arrays = jax.tree.leaves((host.batch, host.valid))
            assert {type(array) for array in arrays} == {np.ndarray}
            place += 1
        assert batches.get_state() == {"next_batch": place}
        batches.close()
    assert place == 19
    assert multiprocessing.active_children() == []


class Telling(Numbered):
    """Pairs whose names tell of the process that read them.

    Which it is, whether it uses JAX' devices, and whether Ctrl-C could have ended it on its way.
    """

    def __getitem__(self, index):
        pair = super().__getitem__(index)
        uses_devices = xla_bridge.backends_are_initialized()
        interruptible = signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
        return pair | {"name": f"{os.getpid()} {uses_devices} {interruptible}"}


def test_a_bad_file_in_a_worker_is_told_here():
    order = [int(name.split()[1]) for batch in take(start(Numbered(20)), 4) for name in batch.names]
    batches = start(Telling(20, broken={order[10]}), workers=1)
    names = {name for batch in take(batches, 3) for name in batch.names}
    [(pid, uses_devices, interruptible)] = [name.split() for name in names]
    assert pid != str(os.getpid())
    assert uses_devices == interruptible == "False"
    with pytest.raises(UserError) as caught:
        next(batches)
    assert type(caught.value) is UserError
    assert str(caught.value) == f"pair {order[10]} is broken"
    assert batches.get_state() == {"next_batch": 3}
    assert multiprocessing.active_children() == []


def test_a_worker_that_died_is_told_of():
    batches = start(Numbered(20), workers=1)
    next(batches)
    [worker] = multiprocessing.active_children()
    worker.kill()
    with pytest.raises(UserError, match="a worker process that reads data died"):
        take(batches, 20)
    assert multiprocessing.active_children() == []


PROGRAM = """
from fullglow_jax import cli
from tests.data.test_pipeline import Numbered, start

def main(argv):
    print("starting", flush=True)
    batches = start(Numbered(20), workers=2)
    next(batches)
    print("reading", flush=True)
    while True:
        next(batches)

cli.run(main)
"""


@pytest.mark.parametrize(
    ("line", "number"),
    [("starting", signal.SIGINT), ("reading", signal.SIGINT), ("reading", signal.SIGKILL)],
)
def test_no_worker_outlives_its_parent(line, number):
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        while process.stdout.readline().strip() != line:
            assert process.poll() is None
        if number == signal.SIGINT:  # Ctrl-C reaches all of a terminal's processes
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        # Workers have these too: they end when the last of them does.
        try:
            _, said = process.communicate(timeout=60)
        finally:
            process.kill()
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert said == "interrupted\n"
