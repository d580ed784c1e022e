"""Digests of all that a result depends on, so that results are not confused."""

import hashlib
from typing import Any

import jax
import numpy as np

PyTree = Any


def digest(*parts: PyTree) -> str:
    """The digest of pytrees of arrays, numbers and strings; it differs if they differ."""
    found = hashlib.blake2b(str(jax.tree.structure(parts)).encode(), digest_size=16)
    for leaf in jax.tree.leaves(parts):
        if isinstance(leaf, np.ndarray | jax.Array):
            array = np.ascontiguousarray(leaf)
            found.update(f"{array.dtype}{array.shape}".encode())
            found.update(array.view(np.uint8).data if array.size else b"")
        else:
            found.update(f"{type(leaf).__name__}{leaf!r}".encode())
    return found.hexdigest()
