"""How much XLA is to optimise what training compiles."""

import jax


def compiler_options() -> dict[str, int] | None:
    """Options for `jax.jit`.

    On CPUs, code at XLA's default level takes a tenth to a fifth longer to compile than at the
    first, and is not faster: the work is in matrix products, which are library calls. At level 0,
    random numbers for hundreds of millions of parameters take longer to draw than is won.
    """
    return {"xla_backend_optimization_level": 1} if jax.default_backend() == "cpu" else None
