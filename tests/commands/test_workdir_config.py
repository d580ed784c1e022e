"""What the command line says on top of the config that a workdir stores."""

import json
import re

import pytest

from fullglow_jax import cli
from fullglow_jax.config import default_config
from fullglow_jax.errors import UserError
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.runs.trained import load_trained, stored_config
from fullglow_jax.training.loop import train
from tests.commands.running import STEPS, digests
from tests.in_process import command


@pytest.mark.parametrize("name", ["sample", "evaluate", "demo"])
@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("data.bits=5", "config.data.bits is 8 there and 5 here"),
        ("data.fit=crop", "config.data.fit is stretch there and crop here"),
        (
            "data.direction=photo2label",
            "config.data.direction is label2photo there and photo2label",
        ),
        ("model.coupling_floor=0.5", "config.model.coupling_floor is 0.0 there and 0.5 here"),
        ("parallel.devices=99", "config.parallel.devices=99 is not possible"),
        ("parallel.fsdp=3", "config.parallel.fsdp=3 does not divide"),
    ],
)
def test_refused(trained, name, override, named, capsys):
    before = digests(trained)
    with pytest.raises(UserError) as refused:
        command(name).main([f"--workdir={trained}", f"--config.{override}"])
    assert named in str(refused.value)
    assert capsys.readouterr().out == ""
    assert digests(trained) == before


@pytest.mark.parametrize("name", ["sample", "evaluate"])
def test_told(trained, name, tmp_path, capsys):
    """What may differ is told before the data is looked for, and found missing."""
    overrides = {"data.root": tmp_path, "data.direction": "label2photo", "train.batch_size": 4}
    words = [f"--config.{key}={value}" for key, value in overrides.items()]
    with pytest.raises(UserError, match=re.escape(str(tmp_path))):
        command(name).main([f"--workdir={trained}", "--config.data.name=cityscapes", *words])
    (note,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("note: "))
    for told in (
        f"{trained}: ",
        "config.data.name is street_scenes there and cityscapes here",
        f"and {tmp_path} here",
        "config.train.batch_size is 2 there and 4 here",
    ):
        assert told in note
    assert "direction" not in note
    assert "parallel" not in note


def test_the_machine_that_trained_is_no_matter(workdir):
    """A run of eight devices of a launcher, used on one device by itself."""
    for file in workdir.glob("checkpoints/*/config/metadata"):
        stored = json.loads(file.read_text())
        stored["parallel"] = {"devices": 8, "fsdp": 4, "distributed": True}
        file.write_text(json.dumps(stored))
    config = cli.workdir_config(workdir, "latest", {})
    assert stored_config(workdir, "latest").parallel.devices == 8
    assert config.parallel.to_dict() == default_config().parallel.to_dict()
    devices = Devices(config.parallel)
    assert load_trained(config, workdir, "latest", devices).step == STEPS


def test_training_that_would_be_of_another_model(workdir):
    before = digests(workdir)
    config = stored_config(workdir, "latest")
    config.data.bits, config.model.source_weight = 5, 0.5
    with pytest.raises(UserError) as refused:
        train(config, workdir)
    assert "config.data.bits is 8 there and 5 here" in str(refused.value)
    assert "config.model.source_weight is 1.0 there and 0.5 here" in str(refused.value)
    assert digests(workdir) == before


def test_training_that_has_gone_on_for_longer(workdir, capsys):
    before = digests(workdir)
    config = stored_config(workdir, "latest")
    config.train.steps, config.optimizer.learning_rate = 3, 0.01
    with pytest.raises(UserError, match=rf"trained for {STEPS} steps.* config\.train\.steps=3"):
        train(config, workdir)
    note = capsys.readouterr().out.splitlines()[0]
    assert note.startswith(f"note: other than in {workdir}: ")
    assert f"config.train.steps is {STEPS} there and 3 here" in note
    assert "config.optimizer.learning_rate is 0.001 there and 0.01 here" in note
    assert digests(workdir) == before
