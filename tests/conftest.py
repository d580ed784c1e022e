"""What all tests share."""

import gc
import shutil
import signal

import jax
import pytest

from fullglow_jax.compilation_cache import processor_digest
from tests.xla_flags import set_flags

set_flags()

# Tracing makes many objects that stay: looking through them again and again for garbage would be a
# tenth of a worker's time, and more the longer it works.
gc.set_threshold(50_000, 20, 20)

# What a script starts in the background ignores Ctrl-C, as do the processes that it starts: those
# that tests interrupt would not end.
signal.signal(signal.SIGINT, signal.default_int_handler)

COMPILED = f"compiled_{processor_digest()}"
LARGEST = 2**30
"""Bytes of what was compiled. A run of the suite leaves less than a tenth of that."""


def pytest_sessionstart(session):
    """Nobody uses most of what was compiled for much earlier code: then it is begun anew."""
    if hasattr(session.config, "workerinput"):
        return
    folder = session.config.cache.mkdir(COMPILED)
    if sum(file.stat().st_size for file in folder.iterdir()) > LARGEST:
        shutil.rmtree(folder)


def pytest_collection_finish():
    """All that was imported stays."""
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _own_cache_folder(tmp_path_factory):
    """The user's cache folder is neither read nor written."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("user_cache")))
        yield


@pytest.fixture(scope="session")
def compiled(request):
    """The folder of what was compiled, by this run of the suite or an earlier one.

    Compiling is a third of the suite's time. Programs are looked up by all that they consist of, so
    that what was changed since is compiled anew. `pytest --cache-clear` forgets them.
    """
    return request.config.cache.mkdir(COMPILED)


@pytest.fixture(scope="session", autouse=True)
def _compiled_once(compiled):
    """What took a tenth of a second to compile is kept."""
    jax.config.update("jax_compilation_cache_dir", str(compiled))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
