"""An INADE that is trained, resumed, validated and drawn from as every other model is."""

import json
import shutil

import jax
import numpy as np
import pytest

from fullglow_jax.config import default_config
from fullglow_jax.errors import UserError
from fullglow_jax.runs.metrics import read_metrics
from fullglow_jax.training.loop import train
from tests.commands.running import saved_state
from tests.gans.tiny_inade import shallow
from tests.in_process import command

STEPS = 3
CHANGES = {
    "data.name": "street_scenes",
    "data.label_maps": ("label",),
    "data.image_size": (32, 64),
    "data.street_scenes.train": 4,
    "data.street_scenes.val": 2,
    "data.street_scenes.height": 32,
    "data.street_scenes.width": 64,
    "model.width": 2,
    "model.image_noise": 3,
    "model.style": 2,
    "model.encoder_width": 2,
    "model.discriminator_width": 2,
    "model.discriminator_layers": 1,
    "model.scales": 1,
    "model.matching_layers": (0.0, 1.0),
    "model.perceptual_weight": 0.0,
    "optimizer.average_decay": 0.9,
    "train.batch_size": 2,
    "train.steps": STEPS,
    "train.log_every": 1,
    "train.metrics": ("ssim",),
    "train.validate_every": 1,
    "train.sample_every": STEPS,
    "train.sample_conditions": 1,
    "train.samples_per_condition": 1,
    "train.checkpoint_every": 1,
    "train.keep_last": 2,
}


@pytest.fixture(scope="module", autouse=True)
def _shallow():
    with shallow():
        yield


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    config = default_config("inade")
    config.update_from_flattened_dict(CHANGES)
    config.data.root = str(tmp_path_factory.mktemp("scenes") / "scenes")
    return config


@pytest.fixture(scope="module")
def workdir(config, tmp_path_factory):
    folder = tmp_path_factory.mktemp("inade") / "run"
    train(config, folder)
    return folder


def test_the_best_by_drawn_images_is_kept(workdir):
    scores = {
        line["step"]: line["validation/ssim"]
        for line in read_metrics(workdir)
        if "validation/ssim" in line
    }
    assert len(scores) == STEPS
    kept = {int(path.name) for path in (workdir / "checkpoints").iterdir() if path.name.isdigit()}
    assert kept == {max(scores, key=lambda step: scores[step]), STEPS - 1, STEPS}


def test_gone_on_with_before_the_last_step_it_is_the_same(config, workdir, tmp_path, capsys):
    """Bit for bit."""
    killed = shutil.copytree(workdir, tmp_path / "run")
    shutil.rmtree(killed / "checkpoints" / str(STEPS))
    train(config, killed)
    # Begun anew, it would be the same, too.
    assert f"going on from step {STEPS - 1} of {STEPS}" in capsys.readouterr().out
    whole, parts = (saved_state(folder, STEPS) for folder in (workdir, killed))
    for part in ("encoder", "head_0", "scale_0", "'u'", "'variance'"):
        assert any(part in name for name in whole), part
    jax.tree.map(np.testing.assert_array_equal, parts, whole)


def test_commands_draw_and_score_and_refuse_what_needs_a_flow(workdir, tmp_path):
    sample, evaluate = command("sample").main, command("evaluate").main
    flags = ["--count=1", "--samples=2", "--temperature=1", f"--out={tmp_path}"]
    sample([f"--workdir={workdir}", *flags])
    assert len(list(tmp_path.glob("00*__T1*.png"))) == 2
    with pytest.raises(UserError, match="an inade, cannot encode images: it has no latents"):
        sample([f"--workdir={workdir}", "--mode=reconstruct"])
    evaluate([f"--workdir={workdir}", "--metrics=ssim,diversity", "--limit=2", "--rounds=2"])
    images = json.loads((workdir / "eval.json").read_text())["images"]
    assert images["diversity"]["mean"] > 0
