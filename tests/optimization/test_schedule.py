import math
from pathlib import Path

import pytest

from fullglow_jax.config import default_config
from fullglow_jax.errors import UserError
from fullglow_jax.optimization.schedule import check_going_on, learning_rate, total_steps


@pytest.fixture
def config():
    config = default_config()
    config.optimizer.learning_rate = 0.5
    config.optimizer.constant_epochs = 2.0
    config.optimizer.decay_epochs = 4.0
    return config


@pytest.mark.parametrize(
    ("step", "rate"),
    [(0, 0.5), (19, 0.5), (20, 0.5), (30, 0.375), (40, 0.25), (59, 0.0125), (60, 0.0), (99, 0.0)],
)
def test_constant_then_linearly_to_zero(config, step, rate):
    assert learning_rate(config, steps_per_epoch=10)(step) == pytest.approx(rate, abs=1e-7)


def test_paper_trains_200_epochs(config):
    assert total_steps(default_config(), steps_per_epoch=2975) == 200 * 2975


def test_trains_until_the_rate_is_zero_unless_told(config):
    assert total_steps(config, steps_per_epoch=10) == 60
    config.train.steps = 7
    assert total_steps(config, steps_per_epoch=10) == 7


def test_steps_past_the_schedule_are_refused(config):
    config.train.steps = 60
    assert total_steps(config, steps_per_epoch=10) == 60
    config.train.steps = 75
    with pytest.raises(UserError) as refused:
        total_steps(config, steps_per_epoch=10)
    message = str(refused.value)
    assert message.startswith("config.train.steps=75 is past the end")
    for named in ("0 after 60 steps", "constant_epochs=2 ", "decay_epochs=4,", "10 steps each"):
        assert named in message
    assert "--config.optimizer.constant_epochs=4," in message
    config.optimizer.constant_epochs = 4.0  # as it says
    assert total_steps(config, steps_per_epoch=10) == 75


@pytest.mark.parametrize(
    ("constant", "decay", "steps"), [(0, 0, None), (0.01, 0.02, None), (0, 0.04, 1)]
)
def test_a_schedule_without_steps_is_refused(config, constant, decay, steps):
    config.optimizer.constant_epochs, config.optimizer.decay_epochs = constant, decay
    config.train.steps = steps
    with pytest.raises(UserError, match="has no step"):
        total_steps(config, steps_per_epoch=10)


def test_a_schedule_of_one_kind_of_steps_alone(config):
    config.optimizer.constant_epochs = 0.0
    assert total_steps(config, steps_per_epoch=10) == 40
    assert learning_rate(config, steps_per_epoch=10)(0) == pytest.approx(0.5)
    config.optimizer.constant_epochs, config.optimizer.decay_epochs = 3.0, 0.0
    assert total_steps(config, steps_per_epoch=10) == 30
    assert learning_rate(config, steps_per_epoch=10)(29) == pytest.approx(0.5)


def test_no_going_on_past_the_end(config):
    check_going_on(config, 10, 60, Path("run"))
    with pytest.raises(UserError, match=r"^run has been trained for 61 steps.* 60 in all"):
        check_going_on(config, 10, 61, Path("run"))
    config.train.steps = 3
    check_going_on(config, 10, 3, Path("run"))
    with pytest.raises(UserError, match=r"for 8 steps.* 3 in all: config\.train\.steps=3"):
        check_going_on(config, 10, 8, Path("run"))


def test_fractions_of_epochs(config):
    config.optimizer.constant_epochs = 0.5
    config.optimizer.decay_epochs = 0.25
    assert total_steps(config, steps_per_epoch=12) == 6 + 3


def test_without_decay_the_rate_ends_at_once(config):
    config.optimizer.decay_epochs = 0.0
    rate = learning_rate(config, steps_per_epoch=10)
    assert [float(rate(step)) for step in (0, 20, 21)] == [0.5, 0.5, 0.0]


@pytest.mark.parametrize(
    ("warmup", "rates"),
    [(1, [0.5, 0.5]), (4, [0.125, 0.25, 0.375, 0.5, 0.5])],
)
def test_warm_up_rises_to_the_rate(config, warmup, rates):
    config.optimizer.warmup_steps = warmup
    rate = learning_rate(config, steps_per_epoch=10)
    assert [float(rate(step)) for step in range(len(rates))] == pytest.approx(rates)
    # What comes after it is where it was.
    assert float(rate(40)) == pytest.approx(0.25)


def test_warm_up_longer_than_the_constant_steps(config):
    config.optimizer.warmup_steps = 30
    rate = learning_rate(config, steps_per_epoch=10)
    assert float(rate(29)) == pytest.approx(0.5)
    assert max(float(rate(step)) for step in range(100)) == pytest.approx(0.5)
    # It ends where it would have without.
    assert total_steps(config, steps_per_epoch=10) == 60
    assert float(rate(59)) > 0
    assert float(rate(60)) == 0


@pytest.mark.parametrize("warmup", [60, 1000])
def test_warm_up_longer_than_the_schedule_is_refused(config, warmup):
    config.optimizer.warmup_steps = warmup
    with pytest.raises(UserError, match=rf"config\.optimizer\.warmup_steps={warmup} .*epochs"):
        total_steps(config, steps_per_epoch=10)


# --- Down by a cosine -----------------------------------------------------------------------------


@pytest.fixture
def glows(config):
    """As `dajinstory/glow-pytorch` has it."""
    config.optimizer.learning_rate, config.optimizer.end_learning_rate = 1e-4, 1e-7
    config.optimizer.constant_epochs, config.optimizer.decay_epochs = 0.0, 30.0
    config.optimizer.schedule = "cosine"
    return config


def at_epoch(epoch):
    return 1e-7 + 0.5 * (1e-4 - 1e-7) * (1 + math.cos(math.pi * epoch / 30))


@pytest.mark.parametrize("schedule", ["cosine", "cosine_waves"])
def test_an_epoch_has_one_rate_of_a_cosine(glows, schedule):
    glows.optimizer.schedule = schedule
    rate = learning_rate(glows, steps_per_epoch=10)
    for step, epoch in ((0, 0), (9, 0), (10, 1), (99, 9), (150, 15), (299, 29), (300, 30)):
        assert float(rate(step)) == pytest.approx(at_epoch(epoch), rel=1e-4), step


def test_a_cosine_ends_where_it_is_lowest(glows):
    assert total_steps(glows, steps_per_epoch=10) == 300
    glows.train.steps = 301
    with pytest.raises(UserError, match=r"=301 is past the end .* which is 1e-07 after 300 steps"):
        total_steps(glows, steps_per_epoch=10)


def test_waves_go_up_again_and_have_no_end(glows):
    glows.optimizer.schedule = "cosine_waves"
    rate = learning_rate(glows, steps_per_epoch=10)
    for epoch in (31, 45, 59, 60, 75, 100):
        assert float(rate(10 * epoch + 3)) == pytest.approx(at_epoch(epoch), rel=1e-3)
    with pytest.raises(UserError, match=r"'cosine_waves' has no end.*config\.train\.steps=300"):
        total_steps(glows, steps_per_epoch=10)
    glows.train.steps = 100_000
    assert total_steps(glows, steps_per_epoch=10) == 100_000
    check_going_on(glows, 10, 100_000, Path("run"))
    with pytest.raises(UserError, match=r"for 100001 steps.*config\.train\.steps=100000"):
        check_going_on(glows, 10, 100_001, Path("run"))


def test_a_cosine_after_a_warm_up_and_a_constant_rate(glows):
    glows.optimizer.warmup_steps, glows.optimizer.constant_epochs = 4, 2.0
    rate = learning_rate(glows, steps_per_epoch=10)
    assert float(rate(0)) == pytest.approx(2.5e-5)
    assert float(rate(19)) == pytest.approx(1e-4)
    assert float(rate(10 * 17)) == pytest.approx(at_epoch(15), rel=1e-4)
    assert total_steps(glows, steps_per_epoch=10) == 320


def test_a_line_to_another_end(config):
    config.optimizer.end_learning_rate = 0.1
    rate = learning_rate(config, steps_per_epoch=10)
    assert [float(rate(step)) for step in (20, 40, 60)] == pytest.approx([0.5, 0.3, 0.1])


@pytest.mark.parametrize("schedule", ["cosine", "cosine_waves"])
@pytest.mark.parametrize("epochs", [0.0, 1.5])
def test_a_cosine_with_nowhere_to_go_is_refused(glows, schedule, epochs):
    glows.optimizer.schedule, glows.optimizer.decay_epochs = schedule, epochs
    glows.optimizer.constant_epochs, glows.train.steps = 5.0, 20
    with pytest.raises(UserError, match=rf"decay_epochs={epochs:g} leaves it nowhere to go.*line"):
        total_steps(glows, steps_per_epoch=10)


def test_an_end_above_the_start_is_refused(config):
    config.optimizer.end_learning_rate = 0.6
    with pytest.raises(UserError, match=r"end_learning_rate=0\.6 is above .*learning_rate=0\.5"):
        total_steps(config, steps_per_epoch=10)


# --- Once an epoch --------------------------------------------------------------------------------


def rates(config, epochs):
    """The rates of the first and the last step of each epoch, which are to be the same."""
    rate = learning_rate(config, steps_per_epoch=10)
    first = [float(rate(10 * epoch)) for epoch in range(epochs)]
    assert [float(rate(10 * epoch + 9)) for epoch in range(epochs)] == first
    return first


def test_a_line_by_epochs_whose_last_is_not_zero(config):
    """1 − max(0, e − 1 − 2)/4 in epoch e = 1, 2, …"""
    config.optimizer.schedule = "linear_epoch_starts"
    assert rates(config, 7) == pytest.approx([0.5, 0.5, 0.5, 0.375, 0.25, 0.125, 0.0])
    assert total_steps(config, steps_per_epoch=10) == 60


@pytest.mark.parametrize(("constant", "decay"), [(3, 2), (100, 100), (1, 4), (0, 4), (5, 0)])
def test_a_line_by_epochs_whose_last_is_zero(config, constant, decay):
    config.optimizer.schedule = "linear_epoch_ends"
    config.optimizer.constant_epochs, config.optimizer.decay_epochs = float(constant), float(decay)
    epochs = range(1, constant + decay + 1)
    expected = [0.5 * (1 - max(0, e + 1 - constant) / (decay + 1)) for e in epochs]
    assert rates(config, len(expected)) == pytest.approx(expected, abs=1e-7)
    assert total_steps(config, steps_per_epoch=10) == 10 * (constant + decay)


def test_a_line_by_epochs_after_a_warm_up(config):
    config.optimizer.schedule, config.optimizer.warmup_steps = "linear_epoch_ends", 5
    rate = learning_rate(config, steps_per_epoch=10)
    assert [float(rate(step)) for step in (0, 4, 9, 10)] == pytest.approx([0.1, 0.5, 0.5, 0.4])


def test_stairs(config):
    config.optimizer.schedule, config.optimizer.step_epochs = "step", 2.0
    expected = [0.5, 0.5, 0.05, 0.05, 0.005, 0.005, 0.0005]
    assert rates(config, 7) == pytest.approx(expected, rel=1e-5)
    config.optimizer.end_learning_rate, config.optimizer.step_factor = 0.2, 0.5
    assert rates(config, 7) == pytest.approx([0.5, 0.5, 0.25, 0.25, 0.2, 0.2, 0.2])
    config.train.steps = 61
    with pytest.raises(UserError, match=r"=61 is past the end .* which is 0\.2 after 60 steps"):
        total_steps(config, steps_per_epoch=10)
