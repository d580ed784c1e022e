import pytest

from fullglow_jax.config import default_config
from fullglow_jax.training.schedule import learning_rate, total_steps


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
