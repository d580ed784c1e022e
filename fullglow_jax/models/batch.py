"""Batches of examples."""

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from fullglow_jax.models.shapes import Shapes

ArrayLike = Any
"""An array on the device or on the host, or only its shape and type."""


@jax.tree_util.register_dataclass  # Flax takes a second to import in each worker that reads data
@dataclass(frozen=True)
class Batch:
    """Examples along the first axis of each array.

    `jax.tree.map` maps all arrays of a batch; absent fields have none.

    Attributes:
        condition: (B, H, W, C), uint8, or float in [0, 1].
        target: As `condition`.
        boundary: Boundary maps, (B, h, w, 3) for each level, of the same types; () if absent.
        instances: (B, H, W), int32, one id for all pixels of one object; None if absent.
        label: (B,), int32, each example's class; None if absent.
    """

    condition: ArrayLike
    target: ArrayLike
    boundary: tuple[ArrayLike, ...] = ()
    instances: ArrayLike | None = None
    label: ArrayLike | None = None


def named_arrays(batch: Batch) -> dict[str, ArrayLike]:
    """All arrays by the names of their fields; boundary maps are boundary_0 and so on."""
    return {
        jax.tree_util.keystr(path, simple=True, separator="_"): array
        for path, array in jax.tree_util.tree_leaves_with_path(batch)
    }


def blank_batch(shapes: Shapes, count: int) -> Batch:
    """Zeros with the shapes and types that the input pipeline gives a model."""
    image = np.zeros((count, *shapes.image_size, shapes.channels), np.uint8)
    asked = shapes.annotations
    return Batch(
        image,
        image,
        tuple(np.zeros((count, *size, 3), np.uint8) for size in asked.boundary_sizes),
        np.zeros((count, *shapes.image_size), np.int32) if asked.instances else None,
        np.zeros(count, np.int32) if asked.label else None,
    )
