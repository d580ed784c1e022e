"""Importing checkpoints of the other families' originals; nothing here needs PyTorch."""

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
from fullglow_jax.interop.recording import Recording
from fullglow_jax.interop.tensors import tensors_of
from fullglow_jax.interop.torch_checkpoint import Parts, is_parameter
from fullglow_jax.model_registry import build_architecture, build_model
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.runs.trained import abstract_state

GOLDEN = Path(__file__).parents[1] / "golden"
PATH = Path("file")
STEPS = 7

GLOW2 = Parts("model_state_dict", "optimizer_state_dict")
LIGHTNING = Parts("state_dict", "optimizer_states")


@cache
def recording_of(name):
    return Recording.load(GOLDEN / f"{name}.npz")


def config_of(name, **changes):
    """A config of the recorded model."""
    family, architecture = name.split("/")[0], recording_of(name).architecture
    config = default_config(family)
    config.data.image_size = architecture.image_size
    shared = {key: value for key, value in vars(architecture).items() if key in config.model}
    if "centred" in config.model:
        config.model.centred = True  # a recording begins after that
        del shared["centred"]
    config.model.update({**shared, **changes})
    return config


def like_of(config):
    model = build_model(config, optax.constant_schedule(0.0))
    return abstract_state(model, Devices()), build_architecture(config)


def torch_file(weights, parts, wrapper="", untrained=()):
    """A file as PyTorch has it, with known moments: the place of a parameter, and its square."""
    names = list(filter(is_parameter, weights))
    slots = {
        place: {
            "step": np.float32(STEPS),
            "exp_avg": np.full_like(weights[name], place),
            "exp_avg_sq": weights[name] ** 2,
        }
        for place, name in enumerate(names)
        if name not in untrained
    }
    optimizer = {"state": slots, "param_groups": [{"params": list(range(len(names)))}]}
    return {
        parts.weights: {f"{wrapper}{name}": value for name, value in weights.items()},
        # Lightning has a list of all optimisers.
        parts.optimizer: [optimizer] if parts.optimizer.endswith("states") else optimizer,
    }


def second_nets(weights):
    """The networks that glow-pytorch makes for the other half, and does not use."""
    return {
        name.replace(".nets.0.", ".nets.1."): np.ones_like(value)
        for name, value in weights.items()
        if ".nets.0." in name
    }


def glow_file(name, trained=False):
    # The order of a PermuteFlow's channels is no part of its state dict.
    weights = {n: each for n, each in recording_of(name).state.items() if "permute" not in n}
    more = second_nets(weights)
    return torch_file({**weights, **more}, LIGHTNING, "flow_net.", () if trained else more)


PARTS = (
    *("actnorm_center/b", "actnorm_scale/logs", "invconv/W"),
    *("f1/l_1/W", "f1/l_1/actnorm_center/b", "f1/l_1/actnorm_scale/logs"),
    *("f1/l_2/W", "f1/l_2/actnorm_center/b", "f1/l_2/actnorm_scale/logs"),
    *("f1/l_last/W", "f1/l_last/b", "f1/l_last/logs"),
)
LEVELS = tuple(tuple(f"{step}/{part}" for step in steps for part in PARTS) for steps in ("01", "0"))
TOP = ("p/W", "p/b", "p/logs")
CREATED = tuple(
    f"model/{name}"
    for name in (
        *(f"m_o/{level}/{part}" for level in (0, 1) for part in LEVELS[level]),
        *(f"m_u/0/{part}" for part in LEVELS[0]),
        "m_u/pool01/filter0",
        *(f"m_u/1/{part}" for part in LEVELS[1]),
        *(f"prior_u/{part}" for part in (*TOP, "filter0")),
        *(f"prior_o/{part}" for part in TOP),
    )
)
"""The order in which DUAL-Glow's original makes the weights of the recorded model."""


def tensorflow_file(name):
    """A checkpoint's tensors: weights, Adam's moments by number, and a running mean.

    Moments are known: a weight's place in the order, and its square.
    """
    weights = recording_of(name).state
    numbered = {"Variable": np.float32(STEPS + 1)}
    for place, each in enumerate(CREATED):
        numbered[f"Variable_{2 * place + 1}"] = weights[each] ** 2
        numbered[f"Variable_{2 * place + 2}"] = np.full_like(weights[each], place)
    means = {f"{each}/ExponentialMovingAverage": value for each, value in weights.items()}
    return {**weights, **means, **numbered}


def imported(name, content, **changes):
    original = IMPORTABLE[name.split("/")[0]]
    config = config_of(name, **changes)
    like, architecture = like_of(config)
    checkpoint = original.files.read(content, PATH)
    state = to_state(checkpoint, original, architecture, like, choose_step(PATH, checkpoint))
    return state, list(original.entries(architecture)), checkpoint


def assert_same(ours, theirs):
    for name, array in ours.items():
        np.testing.assert_allclose(array.ravel(), theirs[name].ravel(), rtol=1e-6, err_msg=name)


# ---- what is imported ----------------------------------------------------------------------------


def pytorch_files():
    """(recording, file) of each form in which PyTorch's originals save a model."""
    yield "glow/affine_invconv", glow_file("glow/affine_invconv")
    for name, parts in (
        ("c_flow/spatial_net", GLOW2),
        ("c_glow/learned_top", GLOW2),
        ("c_glow/learned_top", Parts("model", "optim")),
    ):
        yield name, torch_file(dict(recording_of(name).state), parts)


@pytest.mark.parametrize(("name", "content"), pytorch_files())
def test_weights_and_moments_of_pytorch_files(name, content):
    state, entries, checkpoint = imported(name, content)
    _, adam, schedule = state.optimizer
    assert (int(state.step), int(adam.count), int(schedule.count)) == (STEPS,) * 3
    assert_same(tensors_of(state.variables, entries), recording_of(name).state)
    first = tensors_of({"params": adam.mu}, entries)
    assert set(first) == set(filter(is_parameter, recording_of(name).state))
    assert_same(first, checkpoint.moments.first)
    assert_same(tensors_of({"params": adam.nu}, entries), checkpoint.moments.second)


def test_weights_and_moments_of_a_volume_are_those_of_an_image():
    name = "dual_glow/conditional_prior"
    state, entries, checkpoint = imported(name, tensorflow_file(name))
    recorded = recording_of(name)
    assert_same(tensors_of(state.variables, entries), recorded.weights())
    _, adam, _ = state.optimizer
    assert int(adam.count) == STEPS
    for place, each in enumerate(CREATED):
        assert (checkpoint.moments.first[each] == place).all()
    flat = IMPORTABLE["dual_glow"].moments
    assert_same(tensors_of({"params": adam.mu}, entries), flat(checkpoint.moments.first))
    squares = {each: weight**2 for each, weight in recorded.state.items()}
    assert_same(tensors_of({"params": adam.nu}, entries), flat(squares))


def test_a_whole_import_without_pytorch(tmp_path, monkeypatch):
    name = "dual_glow/conditional_prior"
    files = IMPORTABLE["dual_glow"].files
    monkeypatch.setattr(type(files), "load", lambda files, path: tensorflow_file(name))
    step, _ = import_checkpoint(PATH, config_of(name), tmp_path / "run")
    assert step == STEPS
    assert (tmp_path / "run" / "checkpoints" / str(STEPS)).is_dir()


# ---- what is refused -----------------------------------------------------------------------------


def test_second_networks_that_were_trained_are_not_left_out():
    name = "glow/affine_invconv"
    with pytest.raises(UserError, match=r"nets\.1\.\S+', which was trained.*coupled_half='both'"):
        imported(name, glow_file(name, trained=True))


def test_a_model_whose_order_of_channels_is_lost_is_refused():
    name = "glow/additive_permute"
    with pytest.raises(UserError, match=r"PermuteFlow.*never saves it"):
        imported(name, glow_file(name))


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("glow/affine_invconv", {"prior": "learned"}, "model.prior is learned here and standard"),
        ("glow/affine_invconv", {"centred": False}, "model.centred is False here and True there"),
        ("glow/affine_invconv", {"steps": (1, 1)}, r"model.steps is \(1, 1\) here and \(2, 1\)"),
        ("glow/affine_invconv", {"coupling_scale": "sigmoid"}, "sigmoid here and exp_glow there"),
        (
            "glow/affine_invconv",
            {"coupling": "additive", "coupling_scale": "sigmoid"},
            "model.coupling is additive here and affine there",
        ),
        ("c_glow/learned_top", {"steps": (2, 1)}, r"\(2, 1\) here and \(1, 1\) there"),
        ("c_glow/learned_top", {"vector_width": 6}, "vector_width is 6 here and 5 there"),
        ("c_glow/learned_top", {"learn_top": False}, "learn_top is False here and True there"),
        ("dual_glow/conditional_prior", {"lu": True}, "model.lu is True here and False there"),
        ("dual_glow/conditional_prior", {"steps": (1, 1)}, r"\(1, 1\) here and \(2, 1\) there"),
    ],
)
def test_another_model_is_refused_by_the_key_that_differs(name, changes, message):
    of_pytorch = dict(pytorch_files())
    content = of_pytorch[name] if name in of_pytorch else tensorflow_file(name)
    with pytest.raises(UserError, match=message):
        imported(name, content, **changes)


def test_what_only_ours_has_is_named():
    """A learned prior, which no tensor of the original fills."""
    name = "glow/affine_invconv"
    with pytest.raises(UserError, match=r"has nothing for 'params/levels_0/prior/net/"):
        imported(name, glow_file(name), prior="learned")


def test_a_c_flow_is_no_full_glow():
    recording = recording_of("c_flow/spatial_net")
    config = default_config("full_glow")
    config.data.image_size = (32, 32)
    config.model.steps = recording.architecture.steps
    original = IMPORTABLE["full_glow"]
    content = torch_file(dict(recording.state), GLOW2)
    like, architecture = like_of(config)
    with pytest.raises(UserError, match=r"config\.model\.name is full_glow here and c_flow there"):
        to_state(original.files.read(content, PATH), original, architecture, like, STEPS)


def test_moments_of_another_optimiser_are_refused():
    content = tensorflow_file("dual_glow/conditional_prior")
    content["Variable_2"] = np.zeros(3, np.float32)
    with pytest.raises(UserError, match="not the state of the original's Adam over its"):
        IMPORTABLE["dual_glow"].files.read(content, PATH)


def test_what_is_no_dual_glow_is_refused():
    with pytest.raises(UserError, match=r"expected tensors model/…; it holds 'dense/kernel'"):
        IMPORTABLE["dual_glow"].files.read({"dense/kernel": np.zeros(3)}, PATH)


@pytest.fixture(autouse=True, scope="module")
def _compiled_sooner():
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)
