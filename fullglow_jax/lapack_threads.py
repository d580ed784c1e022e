"""Threads of LAPACK, which computes with small matrices here."""

import os

THREADS = "OPENBLAS_NUM_THREADS"


def use_one_lapack_thread() -> None:
    """Lets LAPACK compute in one thread; before NumPy and SciPy are imported, which read this.

    On CPUs, JAX's factorisations and triangular solves are SciPy's: OpenBLAS computes them in
    threads of its own, which then wait for more in a loop. For the matrices of 1×1 convolutions
    they only take the cores from XLA's threads (docs/performance.md). The user's own value of the
    environment variable OPENBLAS_NUM_THREADS stays.
    """
    os.environ.setdefault(THREADS, "1")
