"""A pix2pix that is trained, resumed, drawn from and scored as every other model is."""

import json
import shutil

import jax
import numpy as np
import optax
import pytest

import fullglow_jax
from fullglow_jax.config import default_config
from fullglow_jax.config.overrides import overridden
from fullglow_jax.demo.studio import Studio
from fullglow_jax.errors import UserError
from fullglow_jax.gans.architecture import Pix2PixArchitecture
from fullglow_jax.model_registry import build_model
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.runs.checkpoints import Checkpoints
from fullglow_jax.runs.metrics import read_metrics
from fullglow_jax.runs.trained import abstract_state, load_trained
from fullglow_jax.training.loop import train
from tests.commands.running import saved_state
from tests.in_process import command
from tests.training.tiny import tiny_config, write_pairs

STEPS = 3
CHANGES = {
    "data.image_size": (16, 16),
    "model.downs": 3,
    "model.width": 2,
    "model.dropout_from": 1,
    "model.discriminator_width": 2,
    "model.discriminator_layers": 1,
    "optimizer.learning_rate": 1e-3,
    "optimizer.average_decay": 0.9,
    "train.steps": STEPS,
    "train.validate_every": STEPS,
    "train.samples_per_condition": 2,
}


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    return write_pairs(tmp_path_factory.mktemp("pairs") / "pairs")


def config_of(pairs):
    config = tiny_config(pairs, "pix2pix")
    config.update_from_flattened_dict(CHANGES)
    return config


@pytest.fixture(scope="module")
def workdir(pairs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("gan") / "run"
    train(config_of(pairs), folder)
    return folder


def test_its_losses_and_norms_are_recorded(workdir):
    names = set().union(*read_metrics(workdir))
    for network in ("generator", "discriminator"):
        assert {f"train/loss/{network}", f"train/gradient_norm/{network}"} <= names
    assert "validation/ssim" in names
    assert (workdir / "samples" / f"step_{STEPS:07d}.png").is_file()


def test_stopped_and_gone_on_with_it_is_the_same_bit_for_bit(pairs, workdir, tmp_path, capsys):
    config = config_of(pairs)
    config.train.steps = 2
    train(config, tmp_path / "run")
    config.train.steps = STEPS
    train(config, tmp_path / "run")
    told = capsys.readouterr().out
    assert f"going on from step 2 of {STEPS}" in told
    whole, parts = (saved_state(folder, STEPS) for folder in (workdir, tmp_path / "run"))
    assert any("discriminator" in name or "scale_0" in name for name in whole)
    jax.tree.map(np.testing.assert_array_equal, parts, whole)


def test_the_average_is_of_the_generator_alone(pairs, workdir):
    folder = workdir / "checkpoints" / str(STEPS)
    names = {path.name for path in folder.iterdir()}
    assert {"variables", "average", "critic", "optimizer"} <= names
    state = saved_state(workdir, STEPS)
    of_average = [name for name in state if "average" in name]
    assert of_average
    assert not [name for name in of_average if "scale_" in name]


def test_sampling_reads_the_generator_alone(pairs, workdir, tmp_path):
    shutil.copytree(workdir, tmp_path / "run")
    folder = tmp_path / "run" / "checkpoints" / str(STEPS)
    for item in ("critic", "optimizer"):
        shutil.rmtree(folder / item)
    trained = load_trained(config_of(pairs), tmp_path / "run", "latest", Devices())
    assert set(trained.variables["params"]) == {"generator"}
    like = abstract_state(trained.model, Devices(), 0.9)
    with pytest.raises(UserError, match="cannot be read"):
        Checkpoints.of(tmp_path / "run").restore(STEPS, like)


def test_commands_draw_and_score_and_refuse_what_needs_a_flow(workdir, tmp_path, capsys):
    sample, evaluate = command("sample").main, command("evaluate").main
    sample([f"--workdir={workdir}", "--count=2", "--samples=2", f"--out={tmp_path}"])
    assert len(list(tmp_path.glob("00*__T1*.png"))) == 4
    for mode in ("reconstruct", "transfer", "interpolate"):
        with pytest.raises(UserError, match="a pix2pix, cannot encode images: it has no latents"):
            sample([f"--workdir={workdir}", f"--mode={mode}"])
    with pytest.raises(UserError, match="has no likelihood of images, and so no bits per dim"):
        evaluate([f"--workdir={workdir}", "--metrics=bpd"])
    evaluate([f"--workdir={workdir}", "--metrics=ssim,diversity", "--limit=2"])
    images = json.loads((workdir / "eval.json").read_text())["images"]
    assert -1 <= images["ssim"]["mean"] <= 1
    assert images["diversity"]["mean"] > 0
    assert images["temperature"] == 1


def test_it_is_used_at_its_own_temperature(workdir):
    """Which every flow has at 0.7."""
    model = fullglow_jax.load(workdir)
    assert model.temperature == 1
    assert Studio(model.config, model._operations, "val").temperature == 1
    maps = np.zeros((1, *model.image_size, 3), np.uint8)
    own, whole, less = (model.sample(maps, temperature=t) for t in (None, 1.0, 0.7))
    np.testing.assert_array_equal(own, whole)
    assert np.abs(own - less).max() > 0
    assert {family: default_config(family).train.temperature for family in ("glow", "pix2pix")} == {
        "glow": 0.7,
        "pix2pix": 1.0,
    }
    for family, temperature in (("glow", 0.7), ("pix2pix", 1.0)):
        other = "pix2pix" if family == "glow" else "glow"
        changed = overridden(default_config(other), {"model.name": family})
        assert changed.train.temperature == temperature


def test_images_without_noise_are_said_to_be_alike(pairs, workdir, tmp_path, capsys, monkeypatch):
    reason = property(lambda architecture: "there is none")
    monkeypatch.setattr(Pix2PixArchitecture, "without_noise", reason)
    run = shutil.copytree(workdir, tmp_path / "run")
    told = "all images of a condition are the same: there is none"
    command("sample").main([f"--workdir={run}", "--count=1", "--samples=2"])
    assert f"note: {told}" in capsys.readouterr().out
    command("sample").main([f"--workdir={run}", "--count=1", "--samples=1"])
    assert "are the same" not in capsys.readouterr().out
    command("evaluate").main(
        [f"--workdir={run}", "--metrics=ssim,diversity", "--limit=2", "--rounds=2"]
    )
    assert f"note: {told}" in capsys.readouterr().out
    assert told in (run / "eval.md").read_text()
    train(config_of(pairs), run)  # which is finished: it says what it has to say
    assert "all images of a condition will be the same: there is none" in capsys.readouterr().out


def test_a_wrong_perceptual_network_is_told_of_before_training(pairs, tmp_path):
    """And drawing needs none."""
    config = config_of(pairs)
    wrong = tmp_path / "alexnet.npz"
    np.savez(wrong, network=np.frombuffer(b"AlexNet", np.uint8))
    for network, file, said in (
        ("vgg19", tmp_path / "none.pth", "none.pth"),
        ("vgg19", wrong, "is AlexNet, where VGG-19 was expected"),
        ("judge", tmp_path / "judge.npz", r"judge\.npz: no such file"),
    ):
        weight = {"perceptual_weight": 1.0, "perceptual_network": network}
        config.model.update(weight, perceptual_file=str(file))
        build_model(config, optax.constant_schedule(0.0))
        with pytest.raises(UserError, match=said):
            train(config, tmp_path / "run")
        assert not list((tmp_path / "run").rglob("step_*"))
