"""What is said of the time left, by a clock that the tests set."""

import pytest

from fullglow_jax.progress import ProgressLine


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_compiling_is_no_part_of_the_time_left(clock, capsys):
    with ProgressLine("training", 100, clock=clock) as progress:
        clock.now += 600  # compiles
        progress.update(10)
        for done in (20, 30):
            clock.now += 20
            progress.update(done)
    said = capsys.readouterr().out.splitlines()
    assert said == [
        "training 10/100",
        "training 20/100  0:02:40 left",
        "training 30/100  0:02:20 left",
    ]


def test_measures_from_the_first_step_that_it_is_told_of(clock, capsys):
    with ProgressLine("training", 100, done=50, clock=clock) as progress:
        progress.begin_at(40)
        clock.now += 600
        progress.measure_from(41)
        clock.now += 9
        progress.measure_from(44)  # no more
        progress.update(50)
        clock.now += 50
        progress.update(100)
    said = capsys.readouterr().out.splitlines()
    assert said == ["training 50/100  0:00:50 left", "training 100/100  in 0:10:59"]


def test_the_bar_says_the_same_and_counts_down(clock):
    progress = ProgressLine("training", 100, clock=clock)
    (column,) = (c for c in progress._bar.columns if type(c).__module__ == ProgressLine.__module__)

    def shown():
        return str(column.render(progress._bar.tasks[0]))

    clock.now += 600
    progress.update(10)
    assert shown() == ""
    clock.now += 10
    progress.update(20)
    assert shown() == progress.left() == "0:01:20 left"
    clock.now += 5
    assert shown() == "0:01:15 left"
    clock.now += 600
    assert shown() == "0:00:00 left"


def test_pauses_to_come_count_from_their_second_time_on(clock):
    progress = ProgressLine("training", 100, pauses={"validation": 30}, clock=clock)

    def pause(seconds):
        with progress.pause("validation"):
            clock.now += seconds

    pause(60)  # compiles
    progress.update(10)
    clock.now += 20
    progress.update(30)
    assert progress.left() == "0:01:10 left"
    pause(5)
    assert progress.left() == "0:01:25 left"  # after steps 60, 90 and 100
    clock.now += 30
    progress.update(60)
    assert progress.left() == "0:00:55 left"
    pause(4)
    assert progress.left() == "0:00:48 left"
    clock.now += 40
    progress.update(100)
    assert progress.left() == "in 0:02:39"
