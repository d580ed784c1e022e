import pytest

from fullglow_jax.training import stopwatch
from fullglow_jax.training.stopwatch import CHECKPOINT, DATA, PAUSE, Stopwatch


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on only when told."""

    class Clock:
        now = 100.0

        def monotonic(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(stopwatch, "time", clock)
    return clock


def test_splits_what_passed_over_the_steps(clock):
    watch = Stopwatch()
    for what, seconds in ((DATA, 2.0), (DATA, 4.0), (CHECKPOINT, 8.0), (PAUSE, 50.0)):
        with watch.timing(what):
            clock.now += seconds
    clock.now += 6.0
    expected = {"step": 5.0, "data": 1.5, "checkpoint": 2.0, "compute": 1.5}
    assert watch.split(4) == {f"seconds/{name}": value for name, value in expected.items()}
    # And begins anew.
    clock.now += 3.0
    assert watch.split(1)["seconds/compute"] == 3.0
