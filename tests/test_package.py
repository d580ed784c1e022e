"""What pip installs: commands, configs, and texts that speak of these."""

import re
import runpy
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

import fullglow_jax
from fullglow_jax import installation, launch
from fullglow_jax.config.config_file import config_names, find_config, read_config
from fullglow_jax.errors import UserError
from fullglow_jax.installation import CHECKOUT, CONFIGS, as_called
from tests.in_process import ROOT, command

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

STARTS = {
    "fullglow-train": "train.py",
    "fullglow-sample": "sample.py",
    "fullglow-eval": "eval.py",
    "fullglow-demo": "fullglow_jax/demo/__main__.py",
    "fullglow-data": None,
    "fullglow-study": "fullglow_jax/studies/__main__.py",
}
"""Installed commands, and the files that start the same."""

HELPS = {
    "train": ("python train.py", "fullglow-train"),
    "sample": ("python sample.py", "fullglow-sample"),
    "evaluate": ("python eval.py", "fullglow-eval"),
    "demo": ("python -m fullglow_jax.demo", "fullglow-demo"),
    "check": ("python -m fullglow_jax.data.check", "fullglow-data check"),
    "prepare": ("python -m fullglow_jax.data.prepare", "fullglow-data prepare"),
    "instances": ("python -m fullglow_jax.data.instances", "fullglow-data instances"),
    "study": ("python -m fullglow_jax.studies", "fullglow-study"),
}
"""How commands are called in a checkout, and as installed."""

OWN = {
    "train": "profile",
    "sample": "mode",
    "evaluate": "images",
    "demo": "port",
    "check": None,
    "prepare": "verify",
    "instances": None,
    "study": "vary",
}
"""Flags that only one command has."""


@pytest.fixture
def installed_command(monkeypatch):
    """As started by one of the installed commands."""
    monkeypatch.setattr(sys, "argv", ["/somewhere/bin/fullglow-sample"])


def test_every_command_is_one_function_however_it_is_started():
    scripts = PROJECT["project"]["scripts"]
    assert scripts.keys() == STARTS.keys()
    for name, file in STARTS.items():
        module, function = scripts[name].split(":")
        run = getattr(import_module(module), function)
        assert callable(run)
        assert file is None or runpy.run_path(str(ROOT / file))["run"] is run


@pytest.mark.parametrize("name", HELPS)
@pytest.mark.parametrize("word", ["--help", "-h"])
def test_help_is_of_the_command_alone(name, word, capsys):
    with pytest.raises(SystemExit) as end:
        command(name).main([word])
    assert end.value.code == 0
    told = capsys.readouterr().out
    assert re.search(rf"^{re.escape(HELPS[name][0])} \[?--", told, re.M)
    flags = set(re.findall(r"^  --(?:\[no\])?(\w+):", told, re.M))
    assert flags & set(OWN.values()) == {OWN[name]} - {None}
    assert ("config" in flags) == (name in ("train", "check", "prepare", "instances", "study"))


@pytest.mark.usefixtures("installed_command")
@pytest.mark.parametrize("name", HELPS)
def test_help_speaks_of_installed_commands_to_who_uses_them(name):
    told = command(name).COMMAND.help()
    _, installed = HELPS[name]
    assert re.search(rf"^{re.escape(installed)} \[?--", told, re.M)
    assert "python " not in told
    assert ".py " not in told


def test_texts_without_a_checkout(monkeypatch):
    text = "python eval.py, sample.py or python -m fullglow_jax.demo; my_eval.py"
    assert as_called(text) == text
    monkeypatch.setattr(installation, "CHECKOUT", None)
    assert as_called(text) == (
        "fullglow-eval, fullglow-sample or python -m fullglow_jax.demo; my_eval.py"
    )


def test_the_parts_of_fullglow_data(capsys):
    data = command("data")
    data.main(["--help"])
    assert "fullglow-data prepare" in capsys.readouterr().out
    with pytest.raises(UserError, match="did you mean 'check'"):
        data.main(["chekc", "--config=street_scenes"])
    with pytest.raises(UserError, match="say what to do"):
        data.main([])
    with pytest.raises(UserError, match="wokers"):
        data.main(["prepare", "--wokers=2"])


def test_a_launched_command_is_a_file_or_installed(tmp_path, monkeypatch):
    program = tmp_path / "fullglow-train"
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(launch, "OUR_COMMANDS", str(tmp_path))
    assert launch._with_program(["fullglow-train", "-h"]) == [str(program), "-h"]
    for words in (["train.py"], ["nowhere.py"], ["-m", "fullglow_jax.demo"]):
        assert launch._with_program(words) == [sys.executable, *words]


def test_every_folder_of_modules_is_a_package():
    """setup.py finds packages by these files; .ci/wheel tries what comes of it."""
    folders = {path.parent for path in (ROOT / "fullglow_jax").rglob("*.py")} | {CONFIGS}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").is_file()] == []


def test_configs_by_name(tmp_path, monkeypatch):
    assert CHECKOUT == ROOT
    assert {"street_scenes", "cityscapes_512"} < set(config_names())
    monkeypatch.chdir(tmp_path)
    for name in config_names():
        assert find_config(name) == (ROOT / "configs" / f"{name}.py", None)
    assert find_config("street_scenes:wide") == (ROOT / "configs" / "street_scenes.py", "wide")
    assert read_config("street_scenes").data.name == "street_scenes"


def test_files_come_before_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "maps_256").mkdir()  # a folder is no config
    assert find_config("maps_256").path == ROOT / "configs" / "maps_256.py"
    for name in ("facades_256", "mine.py", "a:b.py"):
        (tmp_path / name).write_text("", encoding="utf-8")
        assert find_config(name) == (Path(name), None)
    for name in ("facades_256", "mine.py"):
        assert find_config(f"{name}:x") == (Path(name), "x")


@pytest.mark.parametrize(
    ("flag", "said"),
    [
        ("street_scene", "no config of this name; did you mean 'street_scenes'? There are: "),
        ("cityscapes512:x", "--config cityscapes512: there is no such file"),
        ("configs/nowhere.py", "expected a Python file with get_config(), or the name of a config"),
        ("elsewhere/maps_256.py", "for example maps_256."),
        ("street_scenes/", "there is no such file; expected"),
    ],
)
def test_configs_that_are_not_there(tmp_path, monkeypatch, flag, said):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=re.escape(said)):
        find_config(flag)


def test_the_workdir_has_the_name_of_the_config(monkeypatch):
    train = command("train").COMMAND
    for flag in ("street_scenes", f"{ROOT}/configs/street_scenes.py"):
        train.parse_config([f"--config={flag}"], alone=True)
        assert train.config_name == "street_scenes"


def test_the_version_has_one_place():
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert PROJECT["tool"]["setuptools"]["dynamic"]["version"] == {
        "attr": "fullglow_jax.__version__"
    }
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(r"^## \[(.+?)\]", changes, re.M)[1] == fullglow_jax.__version__
