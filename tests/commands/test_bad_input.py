"""Whatever a user can get wrong ends in one message that names it, and harms nothing."""

import re
import shutil

import pytest

from fullglow_jax.config import default_config
from fullglow_jax.errors import UserError
from fullglow_jax.street_scenes.write import scene_paths
from fullglow_jax.training.loop import train
from tests.commands.running import ROOT, STREET_SCENES, digests, steps_saved
from tests.in_process import command

CITYSCAPES = ROOT / "configs" / "cityscapes_256.py"


def assert_refused(result, *named):
    assert result.code == 1, result.out + result.err
    assert "Traceback" not in result.err
    assert [line[:7] for line in result.err.splitlines()].count("error: ") == 1
    assert result.err.startswith("error: ")
    for text in named:
        assert text in result.err


@pytest.fixture
def assert_refused_here(tmp_path, monkeypatch):
    """As `assert_refused`, of a command that is run in this process, which has JAX already.

    What becomes of a UserError in a process of its own is seen where a command is run in one.
    """
    monkeypatch.chdir(tmp_path)

    def assert_refused_here(name, arguments, *named):
        with pytest.raises(UserError) as refused:
            command(name).main([str(argument) for argument in arguments])
        for text in named:
            assert text in str(refused.value)

    return assert_refused_here


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--config=configs/nowhere.py"], ["configs/nowhere.py", "no such file"]),
        ([], ["--config NAME is missing"]),
        ([f"--config={STREET_SCENES}", "--wrokdir=run"], ["'wrokdir'", "workdir"]),
        ([f"--config={STREET_SCENES}", "run"], ["not a flag: run"]),
        (
            [f"--config={STREET_SCENES}", "--config.train.bach_size=2"],
            ["--config.train.bach_size=2", "did you mean 'batch_size'?"],
        ),
        (
            [f"--config={STREET_SCENES}", "--config.train.steps=ten"],
            ["--config.train.steps=ten", "int"],
        ),
        (
            [f"--config={STREET_SCENES}", "--config.optimizer.learning_rate=fast"],
            ["--config.optimizer.learning_rate=fast", "float"],
        ),
    ],
    ids=["no file", "no config", "flag", "argument", "key", "no int", "no float"],
)
def test_command_line(assert_refused_here, tmp_path, arguments, named):
    assert_refused_here("train", arguments, *named)
    assert not list(tmp_path.iterdir())


def test_no_data(commands, tmp_path):
    result = commands("train.py", f"--config={CITYSCAPES}", cwd=tmp_path)
    assert_refused(
        result, "datasets/cityscapes", "cityscapes-dataset.com", "--config street_scenes"
    )


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"data__image_size": "(11,20)"}, ["11×20", "multiples of 2", "10×20", "12×20"]),
        (
            {"data__image_size": "(8,20)", "model__name": "full_glow"},
            ["8×20", "at least 10", "10×20"],
        ),
        ({"model__name": "fullglow"}, ["config.model.name=fullglow", "did you mean 'full_glow'?"]),
    ],
    ids=lambda case: next(iter(case)) if isinstance(case, dict) else "",
)
def test_config(commands, assert_refused_here, tmp_path, changes, named):
    run = commands.tiny(tmp_path / "run", **changes)
    assert_refused_here("train", run, *named)
    assert not list(tmp_path.rglob("metrics.jsonl"))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("train.log_every", 0),
        ("data.bits", 9),
        ("data.image_size", (16, 16, 3)),
        ("model.steps", ()),
        ("model.coupling_width", 0),
        ("data.boundary", "source"),
        ("model.actnorm_floor", -0.1),
        ("model.coupling_floor", 1.0),
        ("optimizer.clip_norm", 0.0),
        ("optimizer.clip_spikes", -1.0),
        ("optimizer.average_decay", 1.0),
        ("optimizer.warmup_steps", -1),
        ("train.accumulate", 0),
        ("train.most_bad_steps", 0),
        ("parallel.fsdp", 3),
        ("parallel.fsdp", 0),
        ("parallel.devices", 99),
    ],
)
def test_config_that_means_nothing(tmp_path, key, value):
    config = default_config()
    config.update_from_flattened_dict({key: value})
    with pytest.raises(UserError, match=re.escape(f"config.{key}={value!r} ")):
        train(config, tmp_path / "run")
    assert not list(tmp_path.iterdir())


def test_batch_that_cannot_be_taken_in_parts(tmp_path):
    config = default_config()
    config.train.batch_size, config.train.accumulate = 6, 4
    with pytest.raises(
        UserError, match=r"batch_size=6 .* 4 parts each \(config\.train\.accumulate"
    ):
        train(config, tmp_path / "run")


def test_batch_that_the_devices_cannot_share(commands, trained, tmp_path):
    run = commands.tiny(tmp_path / "run")
    refused = commands("train.py", *run, cwd=tmp_path, devices=3)
    assert_refused(refused, "config.train.batch_size=2", "3 devices")
    refused = commands("eval.py", f"--workdir={trained}", "--batch_size=4", cwd=tmp_path, devices=3)
    assert_refused(refused, "--batch_size=4", "3 devices")
    assert not (trained / "eval.json").exists()


@pytest.fixture
def scenes(commands, trained, tmp_path):
    """A copy of the data that the finished run was trained on."""
    return shutil.copytree(commands.scenes, tmp_path / "scenes")


def test_photo_without_label_map(commands, assert_refused_here, scenes, tmp_path):
    photo, label_map = scene_paths(scenes, "train", 1)[:2]
    label_map.unlink()
    run = commands.tiny(tmp_path / "run", data__root=scenes, data__name="cityscapes")
    assert_refused_here("train", run, str(photo), str(label_map))
    assert not list(tmp_path.glob("run/checkpoints/*"))


def test_truncated_photo(commands, scenes, workdir, tmp_path):
    photo = scene_paths(scenes, "train", 1)[0]
    photo.write_bytes(photo.read_bytes()[:200])
    before = digests(workdir)
    run = commands.tiny(workdir, data__root=scenes, train__steps=10)
    assert_refused(commands("train.py", *run, cwd=tmp_path), str(photo), "cut short")
    assert digests(workdir) == before


def test_workdir_of_another_model(commands, assert_refused_here, workdir):
    before = digests(workdir)
    run = commands.tiny(workdir, model__coupling_width=4, train__steps=10)
    named = (str(workdir), "config.model.coupling_width is 8 there and 4 here")
    assert_refused_here("train", run, *named)
    arguments = (f"--workdir={workdir}", "--config.model.coupling_width=4")
    assert_refused_here("sample", arguments, *named)
    assert digests(workdir) == before


def test_workdir_that_cannot_be_one(commands, assert_refused_here, tmp_path):
    file = tmp_path / "run"
    file.write_text("precious")
    assert_refused_here("train", commands.tiny(file), str(file))
    assert file.read_text() == "precious"
    # A folder in which none can be made, even by root: a file is in the way.
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "checkpoints").write_text("precious")
    assert_refused_here("train", commands.tiny(folder), str(folder))
    assert (folder / "checkpoints").read_text() == "precious"


@pytest.mark.parametrize("path", ["sample.py", "eval.py"])
def test_workdir_without_checkpoint(commands, tmp_path, path):
    refused = commands(path, "--workdir=elsewhere", cwd=tmp_path)
    assert_refused(refused, "elsewhere holds no checkpoint", "python train.py --config")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "arguments", "named"),
    [
        ("sample", ["--condition=nowhere.png"], ["nowhere.png does not exist"]),
        ("sample", ["--condition={run}/metrics.jsonl"], ["metrics.jsonl is not an image"]),
        ("sample", ["--checkpoint=999"], ["'999'", "latest, best", "4, 6, 8"]),
        ("sample", ["--out={run}/metrics.jsonl"], ["--out", "metrics.jsonl"]),
        ("evaluate", ["--split=tset"], ["'tset'", "train, val"]),
        ("evaluate", ["--limt=3"], ["'limt'", "limit"]),
    ],
    ids=lambda case: case[0] if isinstance(case, list) else "",
)
def test_what_is_asked_of_a_trained_model(assert_refused_here, workdir, name, arguments, named):
    before = digests(workdir)
    given = [argument.format(run=workdir) for argument in arguments]
    assert_refused_here(name, [f"--workdir={workdir}", *given], *named)
    assert digests(workdir) == before


def test_damaged_checkpoint(commands, assert_refused_here, workdir, tmp_path):
    newest = workdir / "checkpoints" / str(steps_saved(workdir)[-1])
    arrays = [path for path in (newest / "variables").rglob("d/*") if path.is_file()]
    largest = max(arrays, key=lambda path: path.stat().st_size)
    content = largest.read_bytes()
    largest.write_bytes(content[: len(content) // 2])
    before = digests(workdir)
    arguments = (f"--workdir={workdir}", f"--checkpoint={newest.name}")
    named = (str(newest), "choose another with --checkpoint")
    refused = commands("sample.py", *arguments, cwd=tmp_path)
    assert_refused(refused, *named)
    assert len(refused.err) < 800  # not TensorStore's specification of the array
    assert digests(workdir) == before
    largest.unlink()
    assert_refused_here("sample", arguments, *named)
    del before[str(largest.relative_to(workdir))]
    assert digests(workdir) == before


def test_damaged_score(assert_refused_here, workdir):
    newest = workdir / "checkpoints" / str(steps_saved(workdir)[-1])
    (newest / "metrics" / "metrics").write_text('{"val')
    arguments = (f"--workdir={workdir}", "--checkpoint=best")
    assert_refused_here("evaluate", arguments, str(workdir / "checkpoints"))
