import os
import signal
import subprocess
import sys

import pytest

from fullglow_jax.training.interruption import StopRequest

TWICE = """
import signal
from fullglow_jax.training.interruption import StopRequest
with StopRequest() as stop:
    signal.raise_signal({number})
    print(stop.made, flush=True)
    signal.raise_signal({number})
    print("still here")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_first_signal_is_noted(number):
    with StopRequest() as stop:
        assert not stop.made
        signal.raise_signal(number)
        assert stop.made


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_second_signal_quits_at_once(number):
    program = TWICE.format(number=int(number))
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 128 + number
    assert done.stdout == "True\n"
    assert done.stderr.strip() == "interrupted"


def test_handlers_are_put_back():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with StopRequest():
        pass
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
