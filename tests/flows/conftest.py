import jax
import pytest


@pytest.fixture(autouse=True, scope="module")
def _compiled_for_one(_compiled_once):
    """No two tests here share a program: keeping theirs would only take time."""
    name = "jax_persistent_cache_min_compile_time_secs"
    usual = getattr(jax.config, name)
    jax.config.update(name, 1e6)
    yield
    jax.config.update(name, usual)
