"""Trained models in the package: what is written is read again, and nothing else is."""

import json

import jax
import numpy as np
import optax
import pytest

from fullglow_jax.config import default_config
from fullglow_jax.errors import UserError
from fullglow_jax.model_registry import build_model
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.runs import packaged
from fullglow_jax.runs.trained import abstract_state, load_trained, stored_config

STEP = 7


@pytest.fixture(scope="module")
def model():
    """A tiny Glow's config, its abstract state and random variables."""
    config = default_config("glow")
    config.data.image_size = (4, 6)
    config.model.update(steps=(1,), coupling_width=4)
    like = abstract_state(build_model(config, optax.constant_schedule(0.0)), Devices())
    random = np.random.default_rng(0)
    variables = jax.tree.map(
        lambda leaf: random.normal(size=leaf.shape).astype(leaf.dtype), like.variables
    )
    return config, like, variables


@pytest.fixture
def box(model, tmp_path, monkeypatch):
    """A box with this model in it, under the name «tiny»; the current folder is an empty one."""
    config, _, variables = model
    packaged.pack(tmp_path / "box" / "tiny", config, variables, STEP)
    monkeypatch.setattr(packaged, "BOX", tmp_path / "box")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "box"


def found(checkpoint="latest"):
    return packaged.find_packaged(packaged.Path("tiny"), checkpoint)


def test_what_is_packed_is_loaded_by_name(model, box):
    config, _, variables = model
    name = packaged.Path("tiny")
    stored = stored_config(name, "latest")
    assert stored.to_dict() == config.to_dict()
    trained = load_trained(stored, name, "best", Devices())
    assert trained.step == STEP
    jax.tree.map(
        lambda read, written: np.testing.assert_allclose(read, written, rtol=2**-11, atol=2**-25),
        trained.variables,
        variables,
    )
    assert jax.tree.map(lambda leaf: leaf.dtype, trained.variables) == jax.tree.map(
        lambda leaf: leaf.dtype, variables
    )
    assert list(packaged.Path.cwd().iterdir()) == []


def test_a_run_of_that_name_goes_first(box):
    (box.parent / "here" / "tiny" / "samples").mkdir(parents=True)
    assert found() is not None  # a folder for samples is no run
    (box.parent / "here" / "tiny" / "checkpoints").mkdir()
    assert found() is None


def test_other_names_are_refused(box):
    with pytest.raises(UserError, match=r"Did you mean tiny\? .*are named: tiny\."):
        stored_config(packaged.Path("tinny"), "latest")
    with pytest.raises(UserError, match=r"named: tiny\.") as error:
        stored_config(packaged.Path("runs/other"), "latest")
    assert "Did you mean" not in str(error.value)
    with pytest.raises(UserError, match=r"no checkpoint '8'.* step 7"):
        found("8")


def test_damage_is_named(model, box):
    file = box / "tiny" / packaged.VARIABLES
    whole = file.read_bytes()
    like = model[1]
    for damaged in (whole[:-1] + bytes([whole[-1] ^ 1]), whole[: len(whole) // 2]):
        file.write_bytes(damaged)
        with pytest.raises(UserError, match=r"variables\.npz cannot be read .*SHA-256"):
            found().variables(like)
    file.unlink()
    with pytest.raises(UserError, match=r"variables\.npz cannot be read"):
        found().variables(like)
    (box / "tiny" / packaged.ABOUT).write_text("{", encoding="utf-8")
    with pytest.raises(UserError, match=r"model\.json cannot be read"):
        found()


def test_other_versions_and_other_models_are_named(model, box):
    file = box / "tiny" / packaged.ABOUT
    about = json.loads(file.read_text())
    about["config"]["model"]["coupling_width"] = 5
    file.write_text(json.dumps(about))
    config, *_ = model
    wider = config.copy_and_resolve_references()
    wider.model.coupling_width = 5
    like = abstract_state(build_model(wider, optax.constant_schedule(0.0)), Devices())
    with pytest.raises(UserError, match="holds another model"):
        found().variables(like)
    about["config"]["schema"] += 1
    file.write_text(json.dumps(about))
    with pytest.raises(UserError, match=r"model\.json: .*of a later version of fullglow_jax"):
        found()


def test_numbers_beyond_half_precision_are_not_packed(model, tmp_path):
    config, _, variables = model
    larger = jax.tree.map(lambda leaf: leaf * 1e6, variables)
    with pytest.raises(UserError, match="16 bits cannot hold"):
        packaged.pack(tmp_path / "larger", config, larger, STEP)
    assert not (tmp_path / "larger").exists()
