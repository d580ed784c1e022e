import shutil

import pytest

from tests.commands.running import Commands


@pytest.fixture(scope="session")
def commands(tmp_path_factory):
    return Commands(
        scenes=tmp_path_factory.mktemp("data") / "scenes", cache=tmp_path_factory.mktemp("cache")
    )


@pytest.fixture(scope="session")
def first_run(commands, tmp_path_factory):
    """What train.py said in the run that `trained` holds, and the folder."""
    folder = tmp_path_factory.mktemp("trained")
    result = commands("train.py", *commands.tiny(), cwd=folder)
    assert result.code == 0, result.err
    return result, folder / "runs" / "street_scenes"


@pytest.fixture(scope="session")
def trained(first_run):
    """The workdir of a finished run. Not to be written to: take `workdir` for that."""
    return first_run[1]


@pytest.fixture
def workdir(trained, tmp_path):
    """A copy of the finished run."""
    return shutil.copytree(trained, tmp_path / "run")
