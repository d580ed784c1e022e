import pickle
import shutil

import pytest
from filelock import FileLock

from tests.commands.running import Commands


@pytest.fixture(scope="session")
def shared(tmp_path_factory, worker_id):
    """A folder that all of pytest's processes have in common."""
    own = tmp_path_factory.getbasetemp()
    folder = (own if worker_id == "master" else own.parent) / "commands"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def commands(shared, compiled):
    return Commands(scenes=shared / "scenes", cache=compiled)


@pytest.fixture(scope="session")
def first_run(commands, shared):
    """What train.py said in the run that `trained` holds, and the folder."""
    folder, said = shared / "trained", shared / "said"
    with FileLock(shared / "lock"):  # the first process that comes here runs it for all
        if not said.exists():
            folder.mkdir()
            result = commands("train.py", *commands.tiny(), cwd=folder)
            assert result.code == 0, result.err
            said.write_bytes(pickle.dumps(result))
    return pickle.loads(said.read_bytes()), folder / "runs" / "street_scenes"


@pytest.fixture(scope="session")
def trained(first_run):
    """The workdir of a finished run. Not to be written to: take `workdir` for that."""
    return first_run[1]


@pytest.fixture
def workdir(trained, tmp_path):
    """A copy of the finished run."""
    return shutil.copytree(trained, tmp_path / "run")
