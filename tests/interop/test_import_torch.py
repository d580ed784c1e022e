"""Importing checkpoints of the original; what needs PyTorch is skipped without it."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import jax
import numpy as np
import optax
import pytest

from fullglow_jax.config import default_config
from fullglow_jax.errors import UserError
from fullglow_jax.interop.import_torch import choose_step, import_checkpoint, to_state
from fullglow_jax.interop.importable import IMPORTABLE
from fullglow_jax.interop.original_checkpoint import Moments, OriginalCheckpoint
from fullglow_jax.interop.recording import Recording
from fullglow_jax.interop.tensors import tensors_of, variables_of
from fullglow_jax.interop.torch_checkpoint import TorchFiles
from fullglow_jax.interop.torch_names import entries
from fullglow_jax.model_registry import build_architecture, build_model
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.runs.checkpoints import Checkpoints
from fullglow_jax.runs.trained import abstract_state
from tests import needs

GOLDEN = Path(__file__).parents[1] / "golden"
FILES = ("lu", "full_matrix_batch2", "boundary_maps")
PATH = Path("optim_step=7.pt")
FULL_GLOW = IMPORTABLE["full_glow"]
load, read = FULL_GLOW.files.load, FULL_GLOW.files.read


@pytest.fixture(autouse=True, scope="module")
def _compiled_sooner():
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@cache
def recording_of(name):
    return Recording.load(GOLDEN / f"{name}.npz")


def config_of(recording):
    a = recording.architecture
    config = default_config()
    config.data.image_size = a.image_size
    config.model.steps = a.steps
    config.model.lu = a.lu
    config.data.boundary = a.boundary_maps
    config.model.coupling_width = a.coupling_width
    config.model.spatial_width = a.spatial_width
    config.train.batch_size = 2
    return config


def state_dict_of(recording):
    """The recorded weights, in the layouts and an order that PyTorch could have written."""
    return dict(sorted(recording.state.items()))


def is_buffer(name):
    return name.rsplit(".", 1)[1] in (
        "w_p",
        "u_mask",
        "l_mask",
        "s_sign",
        "l_eye",
        "initialized",
    )


def content_of(recording, steps=7):
    """A checkpoint of the original as `load` gives it, moments of known values."""
    weights = state_dict_of(recording)
    parameters = [value for name, value in weights.items() if not is_buffer(name)]
    places = range(len(parameters))
    slots = {
        place: {
            "step": np.float32(steps),
            "exp_avg": np.full_like(parameters[place], place),
            "exp_avg_sq": parameters[place] ** 2,
        }
        for place in places
    }
    return {
        "loss": np.float32(3.0),
        "lr": 1e-4,
        "model_state_dict": weights,
        "optimizer_state_dict": {"state": slots, "param_groups": [{"params": list(places)}]},
    }


def like_of(config):
    model, architecture = (
        build_model(config, optax.constant_schedule(0.0)),
        build_architecture(config),
    )
    return abstract_state(model, Devices()), architecture


@cache
def like_of_recording(name):
    return like_of(config_of(recording_of(name)))


# ---- names and layouts --------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
def test_every_tensor_goes_there_and_back(name):
    recording = recording_of(name)
    state = state_dict_of(recording)
    all_entries = list(entries(recording.architecture))
    back = tensors_of(variables_of(state, all_entries), all_entries)
    stored = {e.name for e in all_entries}
    assert set(back) == stored
    assert {n for n in state if not is_buffer(n)} <= stored
    for name, array in back.items():
        np.testing.assert_array_equal(array.ravel(), state[name].ravel(), name)
        assert array.squeeze().shape == state[name].squeeze().shape


# ---- the state ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
def test_state_carries_weights_moments_and_counts(name):
    recording = recording_of(name)
    content = content_of(recording)
    like, architecture = like_of_recording(name)
    state = to_state(read(content, PATH), FULL_GLOW, architecture, like, step=7)

    assert jax.tree.map(lambda a: (a.shape, a.dtype), state) == jax.tree.map(
        lambda a: (a.shape, a.dtype), like
    )
    _, adam, schedule = state.optimizer
    assert (int(state.step), int(adam.count), int(schedule.count)) == (7, 7, 7)
    weights = content["model_state_dict"]
    parameters = [n for n in weights if not is_buffer(n)]
    first = tensors_of({"params": adam.mu}, entries(architecture))
    second = tensors_of({"params": adam.nu}, entries(architecture))
    assert set(first) == set(parameters)
    for place, name in enumerate(parameters):
        assert (first[name] == place).all()
        np.testing.assert_array_equal(second[name].ravel(), weights[name].ravel() ** 2)


def test_old_pytorch_numbers_parameters_by_id():
    content = content_of(recording_of("lu"))
    optimizer = content["optimizer_state_dict"]
    group = optimizer["param_groups"][0]
    ids = [1000 - 3 * place for place in group["params"]]
    optimizer["state"] = {ids[place]: slot for place, slot in optimizer["state"].items()}
    group["params"] = ids
    moments = read(content, PATH).moments
    assert [int(m.flat[0]) for m in moments.first.values()] == list(range(len(ids)))


def test_a_model_alone_starts_adam_from_zero():
    recording = recording_of("lu")
    content = state_dict_of(recording)
    like, architecture = like_of_recording("lu")
    checkpoint = read(content, PATH)
    _, adam, schedule = to_state(checkpoint, FULL_GLOW, architecture, like, step=5).optimizer
    assert checkpoint.moments is None
    assert (int(adam.count), int(schedule.count)) == (0, 5)
    assert not any(np.any(leaf) for leaf in jax.tree.leaves((adam.mu, adam.nu)))


def test_step_is_the_one_given_or_named_or_counted():
    counted = OriginalCheckpoint({}, Moments(9, {}, {}))
    assert choose_step(PATH, counted, 3) == 3
    assert choose_step(PATH, counted) == 7
    assert choose_step(Path("model.pt"), counted) == 9
    with pytest.raises(UserError, match="--step N"):
        choose_step(Path("model.pt"), OriginalCheckpoint({}, None))


def test_checkpoint_restores_and_is_never_overwritten(tmp_path, monkeypatch):
    recording = recording_of("lu")
    config = config_of(recording)
    monkeypatch.setattr(TorchFiles, "load", lambda files, path: content_of(recording))
    assert import_checkpoint(PATH, config, tmp_path / "run")[0] == 7

    like, architecture = like_of_recording("lu")
    step, state, position = Checkpoints.of(tmp_path / "run").restore(7, like)
    assert (step, int(state.step), position) == (7, 7, {"next_batch": 7})
    weights = tensors_of(state.variables, entries(architecture))
    for name, array in weights.items():
        np.testing.assert_array_equal(array.ravel(), recording.state[name].ravel())
    with pytest.raises(UserError, match="never overwritten"):
        import_checkpoint(PATH, config, tmp_path / "run")


# ---- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value", "messages"),
    [
        (
            "model.steps",
            (3, 1),
            ["has no 'left_glow", "config.model.steps is (3, 1) here", "(2, 1)"],
        ),
        ("model.steps", (1, 1), ["which the config's model has not", "(2, 1) there"]),
        ("model.lu", False, ["inv_conv.weight", "config.model.lu is False here and True there"]),
        ("model.coupling_width", 8, ["(16, 6, 3, 3)", "(8, 6, 3, 3)", "coupling_width is 8 here"]),
        (
            "data.boundary",
            "smooth",
            ["(128, 12, 3, 3)", "data.boundary is 'smooth' here and '' there"],
        ),
        ("data.image_size", (32, 32), [".linear_net.0.weight", "config.data.image_size=(32, 32)"]),
    ],
)
def test_another_model_is_refused_by_the_key_that_differs(key, value, messages):
    recording = recording_of("lu")
    config = config_of(recording)
    with config.unlocked():
        config.update_from_flattened_dict({key: value})
    like, architecture = like_of(config)
    with pytest.raises(UserError) as error:
        to_state(read(content_of(recording), PATH), FULL_GLOW, architecture, like, step=7)
    for message in messages:
        assert message in str(error.value)


@pytest.mark.parametrize(
    "content", [[1, 2], {}, {"loss": 1.0}, {"model_state_dict": 3}, {"model_state_dict": {}}]
)
def test_what_is_no_checkpoint_of_the_original_is_refused(content):
    with pytest.raises(UserError, match="not a checkpoint of the original"):
        read(content, PATH)


def _spoil(content, how):
    optimizer = content["optimizer_state_dict"]
    if how == "fewer":
        optimizer["param_groups"][0]["params"].pop()
    elif how == "groups":
        optimizer["param_groups"] *= 2
    elif how == "not Adam":
        optimizer["state"][0] = {"step": 7, "momentum_buffer": 0}
    elif how == "counts":
        optimizer["state"][0]["step"] = np.float32(2)
    else:
        content["optimizer_state_dict"] = "Adam"


@pytest.mark.parametrize("how", ["fewer", "groups", "not Adam", "counts", "text"])
def test_another_optimizer_state_is_refused(how):
    content = content_of(recording_of("lu"))
    _spoil(content, how)
    with pytest.raises(UserError, match=r"not that of one torch\.optim\.Adam"):
        read(content, PATH)


def test_missing_file_and_missing_torch_are_named(tmp_path, monkeypatch):
    with pytest.raises(UserError, match="no such file"):
        load(tmp_path / "optim_step=1.pt")
    path = tmp_path / "optim_step=2.pt"
    path.touch()
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(UserError, match=r"pip install 'fullglow-jax\[torch\]'"):
        load(path)


# ---- files of PyTorch, and the command line -----------------------------------------------------


class _Harm:
    """Would leave a file behind if it were unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_code_in_a_file_is_never_run(tmp_path):
    torch = needs.package("torch")
    path = tmp_path / "optim_step=1.pt"
    torch.save({"model_state_dict": _Harm(tmp_path / "harm")}, path)
    with pytest.raises(UserError, match="was refused: it holds a Python object"):
        load(path)
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("keep", [0, 3, 0.5])
def test_damaged_files_are_one_clear_error(tmp_path, keep):
    torch = needs.package("torch")
    path = tmp_path / "optim_step=1.pt"
    torch.save({"model_state_dict": {"left_glow.x": torch.ones(1000)}}, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: keep if isinstance(keep, int) else int(keep * len(whole))])
    with pytest.raises(UserError, match="not a whole PyTorch checkpoint"):
        load(path)


def _as_pytorch(content):
    torch = needs.package("torch")

    def tensors(arrays):
        return {name: torch.from_numpy(np.array(value)) for name, value in arrays.items()}

    optimizer = content["optimizer_state_dict"]
    return {
        # The original saves its loss with the graph still behind it.
        "loss": torch.ones(1, requires_grad=True).sum(),
        "lr": content["lr"],
        "model_state_dict": tensors(content["model_state_dict"]),
        "optimizer_state_dict": {
            **optimizer,
            "state": {place: tensors(slot) for place, slot in optimizer["state"].items()},
        },
    }


@pytest.mark.parametrize("zipped", [True, False])
def test_what_pytorch_wrote_is_read_in_order(tmp_path, zipped):
    torch = needs.package("torch")
    content = content_of(recording_of("boundary_maps"))
    path = tmp_path / "optim_step=7.pt"
    torch.save(_as_pytorch(content), path, _use_new_zipfile_serialization=zipped)
    checkpoint, expected = read(load(path), path), read(content, path)
    assert list(checkpoint.weights) == list(expected.weights)
    assert checkpoint.moments.count == 7
    for name, value in expected.moments.second.items():
        np.testing.assert_array_equal(checkpoint.weights[name], expected.weights[name])
        np.testing.assert_array_equal(checkpoint.moments.second[name], value)


def test_tensors_in_lists_are_read_too(tmp_path):
    """As Lightning has them, of all its optimisers."""
    torch = needs.package("torch")
    path = tmp_path / "last.ckpt"
    torch.save({"optimizer_states": [{"state": {0: {"exp_avg": torch.ones(2)}}}]}, path)
    (optimizer,) = IMPORTABLE["glow"].files.load(path)["optimizer_states"]
    np.testing.assert_array_equal(optimizer["state"][0]["exp_avg"], np.ones(2, np.float32))
    assert isinstance(optimizer["state"][0]["exp_avg"], np.ndarray)


def test_the_command_line(tmp_path):
    """In a process of its own: a process parses its flags once."""
    torch = needs.package("torch")
    recording = recording_of("lu")
    path = tmp_path / "optim_step=7.pt"
    torch.save(_as_pytorch(content_of(recording)), path)
    config = tmp_path / "config.py"
    config.write_text(
        "from fullglow_jax.config import default_config\n"
        "def get_config():\n"
        "    config = default_config()\n"
        "    config.data.image_size = (24, 32)\n"
        "    config.model.steps = (2, 1)\n"
        f"    config.model.spatial_width = {recording.architecture.spatial_width}\n"
        "    return config\n"
    )
    workdir = tmp_path / "run"
    flags = [f"--config={config}", f"--workdir={workdir}", "--config.model.coupling_width=16"]
    done = subprocess.run(
        [sys.executable, "-m", "fullglow_jax.interop.import_torch", path, *flags, "--step=8"],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"JAX_DISABLE_MOST_OPTIMIZATIONS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert f"{workdir}/checkpoints/8" in done.stdout
    assert "Adam's moments after 7 steps" in done.stdout
    assert f"python train.py {' '.join(flags)}\n" in done.stdout
    assert Checkpoints.of(workdir).config(8).model.coupling_width == 16
