"""Runs that start from the weights of another run's model."""

import json
from pathlib import Path

import numpy as np
import optax
import pytest

from fullglow_jax.errors import UserError
from fullglow_jax.model_registry import build_model
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.runs.initial_weights import initial_weights
from fullglow_jax.runs.trained import abstract_state, stored_config
from fullglow_jax.training.loop import train
from tests.commands.running import saved_state, steps_saved
from tests.training.conftest import compile_quickly
from tests.training.tiny import tiny_config, write_pairs

STILL = 1e-30
"""A learning rate that changes no parameter."""


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A finished run, and the config of the next one: other data, of another size."""
    root = tmp_path_factory.mktemp("first")
    config = tiny_config(write_pairs(root / "pairs"))
    config.update_from_flattened_dict({"train.steps": 2, "optimizer.learning_rate": 0.01})
    with pytest.MonkeyPatch.context() as patch:
        compile_quickly(patch)
        train(config, root / "run")
    config = config.copy_and_resolve_references()
    config.data.image_size, config.data.direction = (12, 14), "BtoA"
    config.optimizer.learning_rate, config.optimizer.average_decay = STILL, 0.5
    config.train.steps = 1
    return root / "run", config


def arrays(workdir, item):
    state = saved_state(workdir, steps_saved(workdir)[-1])
    return {name.removeprefix(f"['{item}']"): x for name, x in state.items() if item in name}


@pytest.mark.usefixtures("_quickly_compiled")
def test_it_begins_with_the_average_and_with_nothing_else(first, tmp_path, capsys):
    other, config = first
    train(config, tmp_path / "run", init_from=other)
    assert f"starting from the moving average of step 2 of {other}" in capsys.readouterr().out
    average, parameters = arrays(other, "average"), arrays(tmp_path / "run", "['params']")
    trained = arrays(other, "['params']").values()
    assert any((x != y).any() for x, y in zip(average.values(), trained, strict=True))
    for begun in (parameters, arrays(tmp_path / "run", "average")):
        assert len(begun) == len(average)
        for mine, theirs in zip(begun.values(), average.values(), strict=True):
            np.testing.assert_array_equal(mine, theirs)
    constants = (arrays(workdir, "['constants']") for workdir in (other, tmp_path / "run"))
    for mine, theirs in zip(*(each.values() for each in constants), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    counts = [x for name, x in arrays(tmp_path / "run", "optimizer").items() if "count" in name]
    assert counts
    assert all(count == 1 for count in counts)
    record = json.loads((tmp_path / "run" / "init_from.json").read_text())
    assert record == {"workdir": str(other), "step": 2, "averaged": True}

    train(config, tmp_path / "run", init_from=tmp_path / "gone")
    said = capsys.readouterr().out
    assert "going on from step 1 of 1" in said
    assert f"--init_from {tmp_path / 'gone'} is for a new run: it changes nothing here" in said
    assert json.loads((tmp_path / "run" / "init_from.json").read_text()) == record


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"coupling_width": 6},
            r"of another shape are \d arrays: params/levels_0/.*, \(1, .*4\) there and \(1, .*6\)",
        ),
        ({"permute": True}, r"this glow has no place for 5 arrays: .*/convolution/"),
        ({"steps": (1, 1)}, r"it lacks \d+ arrays: .*params/levels_1/.* and \d+ more"),
    ],
)
def test_weights_that_do_not_fit_are_named(first, tmp_path, changes, said):
    other, config = first
    config = config.copy_and_resolve_references()
    config.model.update(changes)
    config.data.image_size = (12, 16)
    with pytest.raises(UserError, match=f"--init_from .*: a glow whose weights do not fit.*{said}"):
        train(config, tmp_path / "run", init_from=other)
    assert steps_saved(tmp_path / "run") == []


def test_a_folder_that_is_no_run_is_refused(first, tmp_path):
    with pytest.raises(UserError, match="holds no checkpoint"):
        train(first[1], tmp_path / "run", init_from=tmp_path)


def test_models_of_the_package_by_name():
    name = Path("street_scenes")
    config, devices = stored_config(name, "latest"), Devices()
    config.optimizer.average_decay = 0.0
    like = abstract_state(build_model(config, optax.constant_schedule(0.0)), devices)
    weights = initial_weights(name, like, "full_glow", devices)
    assert weights.described.endswith(f"of step {weights.step} of street_scenes")
    config.model.coupling_width += 8
    like = abstract_state(build_model(config, optax.constant_schedule(0.0)), devices)
    with pytest.raises(UserError, match="--init_from street_scenes: a full_glow whose weights"):
        initial_weights(name, like, "full_glow", devices)
