"""A page served for a tiny run, as a user serves it."""

import pytest
from filelock import FileLock

from tests.commands.conftest import commands, shared

__all__ = ["commands", "shared"]

LONG = {
    "train__steps": 200,
    "optimizer__learning_rate": 0.01,
    **{f"train__{what}_every": 200 for what in ("log", "validate", "sample", "checkpoint")},
}
"""Enough for photos to depend on their conditions."""


@pytest.fixture(scope="session")
def trained(commands, shared):
    folder = shared / "long"
    with FileLock(shared / "long.lock"):  # the first process that comes here runs it for all
        if not (folder / "done").exists():
            folder.mkdir()
            result = commands("train.py", *commands.tiny(folder / "run", **LONG), cwd=folder)
            assert result.code == 0, result.err
            (folder / "done").touch()
    return folder / "run"


@pytest.fixture(scope="module")
def server(commands, trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    arguments = ("fullglow_jax.demo", "--workdir", trained, "--port=0")
    with commands.serving(*arguments, cwd=folder) as server:
        yield server
