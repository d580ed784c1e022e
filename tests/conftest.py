"""What all tests share."""

import gc

import jax
import pytest

from tests.xla_flags import set_flags

set_flags()

# Tracing makes many objects that stay: looking through them again and again for garbage would be a
# tenth of a worker's time, and more the longer it works.
gc.set_threshold(50_000, 20, 20)


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
def compiled(tmp_path_factory, worker_id):
    """The folder of compilations that are kept for the other tests, of all workers."""
    own = tmp_path_factory.getbasetemp()
    return (own if worker_id == "master" else own.parent) / "compiled"


@pytest.fixture(scope="session", autouse=True)
def _compiled_once(compiled):
    """What took a second to compile is kept."""
    jax.config.update("jax_compilation_cache_dir", str(compiled))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 1.0)
