"""Workdirs that an earlier version wrote: they are read, scored, drawn from and gone on with."""

import json
import tarfile
from pathlib import Path

import jax
import numpy as np
import pytest

import fullglow_jax
from fullglow_jax.config import default_config
from fullglow_jax.palette import EVALUATED_COLOURS
from fullglow_jax.runs.trained import stored_config
from tests.commands.running import steps_saved

SCHEMA_1 = Path(__file__).parent / "schema_1"
"""By commit bb4bba2, and what that made of them. After a step of training, large arrays were
rounded and their moments set to zero, so that they pack small."""

EXPECTED = json.loads((SCHEMA_1 / "expected.json").read_text(encoding="utf-8"))

NUMBERS = {
    "full_glow": {
        "data.image_size": (20, 20),
        "data.boundary": "ceil",
        "model.steps": (1, 1),
        "model.coupling_width": 4,
        "model.spatial_width": 4,
        "model.source_weight": 0.5,
        "optimizer.average_decay": 0.9,
    },
    "glow": {
        "data.image_size": (20, 20),
        "data.bits": 5,
        "model.steps": (1, 1),
        "model.coupling_width": 4,
        "model.lu": False,
    },
    "pspnet": {
        "data.image_size": (16, 16),
        "data.direction": "photo2label",
        "data.label_files": "labelIds",
        "model.blocks": (1, 1, 1, 1),
        "model.width": 1,
        "model.bins": (1, 2),
        "model.dropout": 0.0,
    },
}
"""What they were trained with, under today's names."""

RUN = {
    "data.root": "data",
    "train.steps": 1,
    "train.log_every": 1,
    "train.validate_every": 1,
    "train.checkpoint_every": 1,
    "train.sample_conditions": 1,
    "train.samples_per_condition": 1,
}


@pytest.fixture
def earlier(tmp_path):
    """A folder with their data and the three workdirs."""
    with tarfile.open(SCHEMA_1 / "workdirs.tar.xz") as packed:
        packed.extractall(tmp_path, filter="data")
    return tmp_path


@pytest.fixture
def _compiled_sooner():
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


def images_of(family):
    """What was scored, and what was given beside it."""
    size = NUMBERS[family]["data.image_size"]
    rng = np.random.default_rng(0)
    images, conditions, boundaries = rng.integers(0, 256, (3, 2, *size, 3), np.uint8)
    if family == "glow":
        return images, {}
    if family == "pspnet":
        colours = np.asarray(EVALUATED_COLOURS, np.uint8)
        return colours[images[..., 0] % len(colours)], {"conditions": conditions}
    return images, {"conditions": conditions, "boundaries": boundaries}


@pytest.mark.parametrize("family", NUMBERS)
def test_its_config_has_todays_names(earlier, family):
    expected = default_config(family)
    expected.update_from_flattened_dict(RUN | NUMBERS[family])
    assert stored_config(earlier / family, "latest").to_dict() == expected.to_dict()


@pytest.mark.usefixtures("_compiled_sooner")
@pytest.mark.parametrize("family", NUMBERS)
def test_it_scores_and_draws_as_it_did(earlier, family):
    model = fullglow_jax.load(earlier / family)
    images, given = images_of(family)
    with np.load(SCHEMA_1 / "expected.npz") as expected:
        drawn = model.sample(**given, temperature=0.5, seed=3)
        np.testing.assert_allclose(drawn, expected[f"{family}/samples"], atol=1e-4)
        if family == "pspnet":
            return
        for name, bits in model.bits_per_dim(images, **given).items():
            np.testing.assert_allclose(
                bits, expected[f"{family}/bits_per_dim/{name}"], rtol=1e-4, atol=1e-4, err_msg=name
            )


def test_training_goes_on_where_it_was(earlier, commands):
    config = earlier / "mine.py"
    values = {**RUN, **NUMBERS["full_glow"], "train.steps": 2}
    config.write_text(
        "from fullglow_jax.config import default_config\n\n\n"
        "def get_config():\n"
        '    config = default_config("full_glow")\n'
        f"    config.update_from_flattened_dict({values})\n"
        "    return config\n",
        encoding="utf-8",
    )
    workdir = earlier / "full_glow"
    result = commands.here("train.py", f"--config={config}", f"--workdir={workdir}", cwd=earlier)
    assert result.code == 0, result.err
    assert "going on from step 1 of 2" in result.out
    assert steps_saved(workdir) == [1, 2]
    lines = (workdir / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    found = {k: v for line in map(json.loads, lines) if line["step"] == 2 for k, v in line.items()}
    for name, value in EXPECTED["full_glow"]["metrics"].items():
        np.testing.assert_allclose(found[name], value, rtol=1e-3, err_msg=name)


def test_commands_take_its_workdir(earlier, commands):
    given = "--workdir=full_glow"
    scored = commands.here("eval.py", given, "--metrics=bpd,ssim", "--rounds=1", cwd=earlier)
    assert scored.code == 0, scored.err
    found = json.loads((earlier / "full_glow" / "eval.json").read_text(encoding="utf-8"))
    for name, expected in EXPECTED["full_glow"]["bits_per_dim"].items():
        np.testing.assert_allclose(found["bits_per_dim"][name]["mean"], expected, rtol=1e-4)
    sampled = commands.here("sample.py", given, "--count=1", "--out=drawn", cwd=earlier)
    assert sampled.code == 0, sampled.err
    assert list((earlier / "drawn").glob("*.png"))
