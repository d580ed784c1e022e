"""XLA's options for programs on CPUs."""

import os
from functools import cache

import jax

Value = int | str

LEVEL = "xla_backend_optimization_level"

FUSED_PRODUCTS = "xla_cpu_experimental_ynn_fusion_type"
"""Which products YNNPACK computes, fused with what is around them; others are Eigen's."""


def for_training() -> dict[str, Value] | None:
    """A lower level of optimisation.

    LLVM's levels of optimisation above 1 take a fifth longer to compile, and the code is not
    faster: the work is in matrix products, which are library calls. With level 0, drawing random
    numbers for hundreds of millions of parameters takes longer than compilation saves.
    """
    return _chosen(LEVEL, 1)


def for_sampling() -> dict[str, Value] | None:
    """Products by Eigen, which computes those of samples sooner (docs/performance.md).

    Those of training steps take as long by one as by the other, or longer.
    """
    return _chosen(FUSED_PRODUCTS, "")


def _chosen(option: str, value: Value) -> dict[str, Value] | None:
    """The option, on CPUs, where XLA knows it and the user has not set it in XLA_FLAGS."""
    if jax.default_backend() != "cpu" or option in os.environ.get("XLA_FLAGS", ""):
        return None
    return {option: value} if _known(option, value) else None


@cache
def _known(option: str, value: Value) -> bool:
    """Whether this version of XLA has an option; an unknown one would end a compilation."""
    try:
        jax.jit(lambda: 0, compiler_options={option: value}).lower().compile()
    except jax.errors.JaxRuntimeError:
        return False
    return True
