"""Flags under which tests compile fast: those of XLA that this jaxlib knows, and of others.

A flag that XLA does not know ends the process at once, before anything is said of a test.
"""

import os
from importlib.metadata import version

from fullglow_jax.lapack_threads import use_one_lapack_thread

RELEASE = tuple(int(part) for part in version("jaxlib").split(".")[:2])

# Most of the suite's time goes into compiling; how fast the code runs is no matter here. Hardly
# optimised, it is compiled in four fifths of the time; without these emitters, in two thirds of
# that. From jaxlib 0.11 on there is no other way than without them.
# Split over threads, a module's code takes a sixth longer in all: there is a worker for each core.
FLAGS = [
    "--xla_backend_optimization_level=0",
    "--xla_cpu_parallel_codegen_split_count=1",
    *(["--xla_cpu_use_fusion_emitters=false"] if RELEASE < (0, 11) else []),
]


def set_flags() -> None:
    """Puts them into this process's environment, and so into those that it starts.

    And one of Flax: operations need no names of modules, by which profilers sort them. And LAPACK's
    threads, as commands have them: a worker that is started from here has one.
    """
    use_one_lapack_thread()
    os.environ["XLA_FLAGS"] = " ".join([os.environ.get("XLA_FLAGS", ""), *FLAGS]).strip()
    os.environ["FLAX_PROFILE"] = "0"
