"""Which of several processes a failed run is blamed on."""

import signal
from types import SimpleNamespace

import pytest

from fullglow_jax.launch import _failure


@pytest.mark.parametrize(
    ("codes", "blamed", "told"),
    [
        ([None, None], 0, ""),
        ([0, None], 0, ""),
        ([None, 2, 3], 2, "process 1 of 3 exited with 2"),
        # The first one ended because it had lost the second, and was seen to end before it.
        ([1, -signal.SIGKILL], 128 + signal.SIGKILL, "process 1 of 2 was ended by SIGKILL"),
        ([-signal.SIGTERM, 1], 128 + signal.SIGTERM, "process 0 of 2 was ended by SIGTERM"),
    ],
)
def test_the_one_that_failed(codes, blamed, told, capsys):
    processes = [SimpleNamespace(poll=lambda code=code: code) for code in codes]
    assert _failure(processes) == blamed
    assert capsys.readouterr().err.strip() == (f"launch: {told}" if told else "")
