"""Where caches go: the user's folder, or one that is nobody else's, or nowhere."""

import os
import pwd
import stat
import subprocess
import sys
import tempfile

import pytest

from fullglow_jax import cli
from fullglow_jax.compilation_cache import keep_compilations
from fullglow_jax.user_cache import cache_folder, replace_unwritable_cache

VARIABLES = (
    "HOME",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "MPLCONFIGDIR",
    "JAX_COMPILATION_CACHE_DIR",
    "JAX_COMPILATION_CACHE_MAX_SIZE",
)


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """One without a home folder, and a user whom it does not know: a container's."""

    def nobody(number):
        raise KeyError(f"getpwuid(): uid not found: {number}")

    for name in VARIABLES:
        monkeypatch.setenv(name, "")  # so that what is set here goes in the end
        monkeypatch.delenv(name)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return monkeypatch


@pytest.fixture
def own(tmp_path):
    return tmp_path / f"fullglow_jax-{os.getuid()}"


def test_no_home(machine, own):
    assert cache_folder("verified") == own / "fullglow_jax" / "verified"
    assert stat.S_IMODE(own.stat().st_mode) == 0o700
    assert replace_unwritable_cache().startswith(f"there is no home folder: caches are in {own};")
    assert os.environ["XDG_CACHE_HOME"] == str(own)  # for libraries, and for processes
    assert os.environ["MPLCONFIGDIR"] == str(own / "matplotlib")
    keep_compilations()
    assert os.environ["JAX_COMPILATION_CACHE_DIR"].startswith(str(own / "fullglow_jax"))
    assert os.environ["JAX_COMPILATION_CACHE_MAX_SIZE"] == "-1"  # JAX would ask for the user's name


def test_a_folder_that_was_made_by_another(machine, own, tmp_path):
    machine.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "fullglow_jax").touch()  # to root, permissions would be nothing
    assert cache_folder("compiled") == own / "fullglow_jax" / "compiled"
    said = replace_unwritable_cache()
    assert said.startswith(f"{tmp_path / 'cache' / 'fullglow_jax'} cannot be written to: ")


@pytest.mark.parametrize("variable", ["HOME", "XDG_CACHE_HOME"])
def test_a_folder_that_cannot_be_written_to(machine, own, variable, tmp_path):
    (tmp_path / "file").touch()
    machine.setenv(variable, str(tmp_path / "file" / "home"))
    assert cache_folder("compiled") == own / "fullglow_jax" / "compiled"
    assert f"{tmp_path / 'file' / 'home'}" in replace_unwritable_cache()
    assert os.environ["XDG_CACHE_HOME"] == str(own)


def test_a_home_is_used_and_nothing_said(machine, own, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    machine.setenv("HOME", str(home))
    assert cache_folder("compiled") == home / ".cache" / "fullglow_jax" / "compiled"
    assert replace_unwritable_cache() == ""
    assert "XDG_CACHE_HOME" not in os.environ
    assert not list(home.iterdir())
    assert not own.exists()


@pytest.mark.parametrize("way", ["another's", "a link", "none"])
def test_nothing_is_kept_where_others_could_write(machine, own, tmp_path, way):
    if way == "another's":
        own.mkdir()
        own.chmod(0o777)
    elif way == "a link":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        own.symlink_to(tmp_path / "elsewhere")
    else:
        machine.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    assert cache_folder("compiled") is None
    assert "nothing is cached" in replace_unwritable_cache()
    keep_compilations()
    assert os.environ["JAX_COMPILATION_CACHE_DIR"] == ""


def test_commands_work_without_a_home(machine, capsys):
    with pytest.raises(SystemExit) as end:
        cli.run(lambda arguments: 7)
    assert end.value.code == 7
    assert capsys.readouterr().err.startswith("note: there is no home folder: caches are in ")


def test_nothing_is_said_of_a_program_that_cannot_be_kept(tmp_path):
    (tmp_path / "file").touch()
    program = """
from fullglow_jax.compilation_cache import keep_compilations
keep_compilations()
import jax
print(jax.jit(lambda x: x + 1)(1))
"""
    settings = {
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path / "file" / "cache"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("2\n", "")
