"""Folders that are to be written into."""

import os
import tempfile
from pathlib import Path

import pytest

from fullglow_jax.config import default_config
from fullglow_jax.errors import UserError
from fullglow_jax.files.folders import check_writable, make_writable
from fullglow_jax.training.loop import train

NOBODY = 65534


@pytest.fixture
def read_only():
    """A run's folder that can be read and not written to, by root neither: it is nobody here."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "checkpoints").mkdir()
        (folder / "checkpoints").chmod(0o755)
        folder.chmod(0o555)
        if root := os.geteuid() == 0:
            os.seteuid(NOBODY)
        yield folder
        if root:
            os.seteuid(0)
        folder.chmod(0o755)


def test_going_on_in_a_workdir_that_is_read_only(read_only):
    with pytest.raises(UserError, match=rf"--workdir {read_only} cannot be written to: Permission"):
        train(default_config(), read_only)
    assert [path.name for path in read_only.iterdir()] == ["checkpoints"]


def test_a_file_in_the_way(tmp_path):
    (tmp_path / "file").write_text("precious", encoding="utf-8")
    for folder in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(
            UserError, match=r"cannot be written to: .*\. Move what is in its place"
        ):
            make_writable(folder, "--workdir")
    assert (tmp_path / "file").read_text(encoding="utf-8") == "precious"


def test_a_name_that_is_too_long(tmp_path):
    with pytest.raises(UserError, match=r"File name too long\. Choose a shorter path"):
        make_writable(tmp_path / ("a" * 300), "--workdir")


def test_a_full_disk(tmp_path):
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        with pytest.raises(UserError, match=r"--workdir .* cannot be written to: .* Make room"):
            check_writable(tmp_path, "--workdir")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_can_be_written_to_is_left_as_it_was(tmp_path):
    make_writable(tmp_path / "a" / "b", "--workdir")
    make_writable(tmp_path / "a" / "b", "--workdir")
    assert not list((tmp_path / "a" / "b").iterdir())
