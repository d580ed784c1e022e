"""Compiler options, of which each XLA knows others."""

import jax
import pytest

from fullglow_jax import compiler_options
from fullglow_jax.compiler_options import for_sampling, for_training

CASES = pytest.mark.parametrize(
    ("options", "name", "value"),
    [(for_training, "LEVEL", 1), (for_sampling, "FUSED_PRODUCTS", "")],
)


@CASES
def test_an_option_that_xla_knows_is_used(monkeypatch, options, name, value):
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    wanted = {getattr(compiler_options, name): value}
    if (found := options()) is None:
        with pytest.raises(jax.errors.JaxRuntimeError):
            jax.jit(lambda: 0, compiler_options=wanted).lower().compile()
    else:
        assert found == wanted


@CASES
def test_an_option_that_xla_does_not_know_is_left_out(monkeypatch, options, name, value):
    del value
    monkeypatch.setattr(compiler_options, name, "xla_no_such_option")
    assert options() is None


@CASES
def test_what_the_user_set_goes_before(monkeypatch, options, name, value):
    del value
    monkeypatch.setenv("XLA_FLAGS", f"--{getattr(compiler_options, name)}=3")
    assert options() is None
