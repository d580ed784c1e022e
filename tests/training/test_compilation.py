"""Compiler options, of which each XLA knows others."""

import jax
import jax.numpy as jnp

from fullglow_jax.training import compilation
from fullglow_jax.training.compilation import LEVEL, compiled, compiler_options


def test_an_option_that_xla_knows_is_used(monkeypatch):
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    assert compiler_options() == {LEVEL: 1}


def test_an_option_that_xla_does_not_know_is_left_out(monkeypatch):
    monkeypatch.setattr(compilation, "LEVEL", "xla_no_such_option")
    assert compiler_options() is None
    double = compiled(lambda x: 2 * x, None, jax.ShapeDtypeStruct((), jnp.float32))
    assert double(jnp.float32(3)) == 6


def test_what_the_user_set_goes_before(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", f"--{LEVEL}=3")
    assert compiler_options() is None
