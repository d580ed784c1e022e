"""A run whose priors are shifted by classes, and runs that start from its weights."""

import json
from pathlib import Path

import numpy as np
import optax
import pytest
from PIL import Image

import fullglow_jax
from fullglow_jax.errors import UserError
from fullglow_jax.evaluation.command import evaluate
from fullglow_jax.evaluation.request import EvaluationRequest
from fullglow_jax.model_registry import build_model
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.runs.initial_weights import initial_weights
from fullglow_jax.runs.metrics import read_metrics
from fullglow_jax.runs.trained import abstract_state, stored_config
from fullglow_jax.training.loop import train
from tests.commands.running import saved_state, steps_saved
from tests.training.tiny import tiny_config

LEVELS = {"bright": 200, "dark": 50, "grey": 100}
CLASSES = ("bright", "dark")
STEPS = 60
STILL = 1e-30
"""A learning rate that changes no parameter."""


def write(root, split, name, seed):
    noise = np.random.default_rng(seed).integers(0, 50, (10, 10, 3))
    path = root / split / name / f"{seed}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((LEVELS[name] + noise).astype(np.uint8)).save(path)


def changed(config, **changes):
    config = config.copy_and_resolve_references()
    config.update_from_flattened_dict({k.replace("__", "."): v for k, v in changes.items()})
    return config


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The config and the workdir of a finished run."""
    root = tmp_path_factory.mktemp("classes")
    for seed in range(4):
        write(root, "train", CLASSES[seed % 2], seed)
        write(root, "val", CLASSES[seed % 2], 10 + seed)
    config = tiny_config(root)
    config.data.update(name="images", labels="folders")
    every = {f"{what}_every": STEPS for what in ("validate", "sample", "checkpoint")}
    config.train.update(steps=STEPS, batch_size=4, sample_conditions=2, **every)
    config.train.validation_examples = None
    config.optimizer.learning_rate = 0.03
    train(config, root / "run")
    return config, root / "run"


def arrays(workdir, item):
    """The arrays of the last checkpoint whose paths contain a text, in order."""
    state = saved_state(workdir, steps_saved(workdir)[-1])
    return [array for name, array in state.items() if item in name]


# --- Classes --------------------------------------------------------------------------------------


def test_a_checkpoint_knows_its_classes(run):
    config, workdir = run
    assert stored_config(workdir, "latest").data.classes == CLASSES
    assert config.data.classes is None
    kernel, *_ = arrays(workdir, "label_shift']['dense']['kernel")
    assert kernel.shape == (2, 12)
    assert np.abs(kernel).max() > 0.01


def test_what_it_has_learnt_depends_on_them(run):
    _, workdir = run
    model = fullglow_jax.load(workdir)
    bright, dark = model.sample(label=CLASSES, temperature=0).mean((1, 2, 3, 4))
    assert bright > dark + 0.1
    request = EvaluationRequest(workdir=workdir, metrics=("bpd",), batch_size=2)
    found = evaluate(stored_config(workdir, "latest"), request)["bits_per_dim"]["image"]["mean"]
    last = read_metrics(workdir)[-1]["validation/bits_per_dim/image"]
    assert found == pytest.approx(last, abs=0.05)


@pytest.mark.parametrize("change", ["another folder", "labels", "order"])
def test_other_classes_are_refused_when_it_goes_on(run, change, tmp_path):
    config, workdir = run
    for name in LEVELS:
        write(tmp_path, "train", name, 0)
    changes = {
        "another folder": {"data__root": str(tmp_path)},
        "labels": {"data__labels": ""},
        "order": {"data__classes": CLASSES[::-1]},
    }
    with pytest.raises(UserError, match=r"config\.data\.(classes|labels) is .* there and .* here"):
        train(changed(config, **changes[change]), workdir)


def test_a_class_that_only_validation_has_is_refused_before_training(run, tmp_path):
    config, _ = run
    write(tmp_path, "train", "dark", 0)
    write(tmp_path, "val", "bright", 1)
    with pytest.raises(UserError, match=r"training has never seen: 1\n.*1\.png: bright"):
        train(changed(config, data__root=str(tmp_path)), tmp_path / "run")


# --- Starts from its weights ----------------------------------------------------------------------


@pytest.fixture
def next_config(run):
    """Of a new run on images of another size."""
    return changed(
        run[0], data__image_size=(12, 14), optimizer__learning_rate=STILL, train__steps=1
    )


def test_it_begins_with_the_average_and_with_nothing_else(run, next_config, tmp_path, capsys):
    other, workdir = run[1], tmp_path / "run"
    train(next_config, workdir, init_from=other)
    said = f"starting from the weights of step {STEPS} of {other}"
    assert said in capsys.readouterr().out
    average = arrays(other, "['average']")
    trained = arrays(other, "['variables']['params']")
    assert any((x != y).any() for x, y in zip(average, trained, strict=True))
    for item, theirs in (
        ("['variables']['params']", average),
        ("['average']", average),
        ("['constants']", arrays(other, "['constants']")),
    ):
        for mine, expected in zip(arrays(workdir, item), theirs, strict=True):
            np.testing.assert_allclose(mine, expected, rtol=1e-6)  # an average is of two of it
    counts = arrays(workdir, "count")
    assert counts
    assert all(count == 1 for count in counts)
    record = {"workdir": str(other), "step": STEPS}
    assert json.loads((workdir / "init_from.json").read_text()) == record

    train(next_config, workdir, init_from=tmp_path / "gone")
    said = capsys.readouterr().out
    assert "going on from step 1 of 1" in said
    assert f"--init_from {tmp_path / 'gone'} is for a new run: it changes nothing here" in said
    assert json.loads((workdir / "init_from.json").read_text()) == record


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"model__coupling_width": 6},
            r"of another shape are \d arrays: params/levels_0/.*, \(1, 4.*\) there and \(1, 6.*\)",
        ),
        ({"model__permute": True}, r"this glow has no place for \d arrays: .*/convolution/"),
        ({"model__steps": (1, 1)}, r"it lacks \d+ arrays: .*/levels_1/.* and \d+ more"),
        ({"data__labels": ""}, r"no place for 3 arrays: params/levels_0/prior/label_shift/dense"),
    ],
)
def test_weights_that_do_not_fit_are_named(run, next_config, tmp_path, changes, said):
    config = changed(next_config, data__image_size=(12, 16), **changes)
    with pytest.raises(UserError, match=f"--init_from .*: a glow whose weights do not fit.*{said}"):
        train(config, tmp_path / "run", init_from=run[1])
    assert steps_saved(tmp_path / "run") == []


def test_classes_that_are_other_ones_are_told_of(run, next_config):
    config, devices = changed(next_config, data__classes=("dog", "cat")), Devices()
    like = abstract_state(build_model(config, optax.constant_schedule(0.0)), devices, 0.9)
    weights = initial_weights(run[1], like, config, devices)
    assert "data.classes is ('bright', 'dark') there and ('dog', 'cat') here" in weights.described


def test_weights_that_mean_something_else_are_refused(run, next_config, tmp_path):
    config = changed(next_config, model__coupled_half="first")
    with pytest.raises(UserError, match=r"mean something else.*coupled_half is second there and f"):
        train(config, tmp_path / "run", init_from=run[1])


def test_a_size_that_its_networks_cannot_take_is_named(tmp_path):
    config = stored_config(Path("street_scenes"), "latest")
    config.data.image_size = (64, 64)
    devices = Devices()
    like = abstract_state(build_model(config, optax.constant_schedule(0.0)), devices)
    with pytest.raises(UserError, match=r"image_size is \(64, 128\) there and \(64, 64\) here"):
        initial_weights(Path("street_scenes"), like, config, devices)


def test_a_folder_that_is_no_run_is_refused(next_config, tmp_path):
    with pytest.raises(UserError, match="holds no checkpoint"):
        train(next_config, tmp_path / "run", init_from=tmp_path)


def test_models_of_the_package_by_name():
    name = Path("street_scenes")
    config, devices = stored_config(name, "latest"), Devices()
    like = abstract_state(build_model(config, optax.constant_schedule(0.0)), devices)
    weights = initial_weights(name, like, config, devices)
    assert weights.described.endswith(f"of step {weights.step} of street_scenes")
