from functools import partial

import jax
import pytest

from fullglow_jax.evaluation import example_scores
from fullglow_jax.sampling import sampler
from fullglow_jax.training import compilation


class _QuickJax:
    """JAX, but what it compiles is little optimised: that would take longer than running it."""

    jit = staticmethod(partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0}))

    def __getattr__(self, name):
        return getattr(jax, name)


def compile_quickly(patch):
    for module in (compilation, example_scores, sampler):
        patch.setattr(module, "jax", _QuickJax())


@pytest.fixture
def _quickly_compiled(monkeypatch):
    compile_quickly(monkeypatch)
