"""Speed and memory, measured: each module prints a table and writes JSON."""

from fullglow_jax.lapack_threads import use_one_lapack_thread

use_one_lapack_thread()  # as the commands do, and before NumPy is imported
