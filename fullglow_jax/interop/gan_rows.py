"""Rows of comparisons with recorded values of GANs, and their tolerances."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import numpy as np

from fullglow_jax.interop.recording import RecordedArrays
from fullglow_jax.interop.row import Row, compare, compare_values, worst
from fullglow_jax.interop.tensors import Tensors

VALUES = 1e-5
"""Tolerance of values, relative to the largest of them."""

STEPS = 1e-4
"""Tolerance of losses after updates: by a gradient that is nearly 0, whose sign is a matter of
rounding, Adam moves a weight as far as by any other."""

GRADIENTS = 1e-3
"""Tolerance of gradients, by norm."""

EXACT = "highest"
"""The values were recorded in float32: networks must not use a lower precision."""


def applied(network: nn.Module) -> Callable[..., Any]:
    """The function of a network and its variables."""
    apply: Callable[..., Any] = network.apply
    return apply


def value_rows(
    recording: RecordedArrays, found: dict[str, Any], tolerance: float = VALUES
) -> list[Row]:
    """Ours, by the names of what is recorded; images have their channels last."""
    rows = []
    for name, ours in found.items():
        recorded = recording[name]
        recorded = np.moveaxis(recorded, 1, -1) if recorded.ndim == 4 else recorded
        rows.append(compare_values(name, ours, recorded, tolerance))
    return rows


def gradient_rows(recording: RecordedArrays, ours: Tensors) -> list[Row]:
    """Those gradients and norms of gradients that are recorded of some tensors."""
    bound = ("relative", GRADIENTS)
    exact, norms = (
        {name: value for name, value in recording.under(prefix).items() if name in ours}
        for prefix in ("grad::", "gradnorm::")
    )
    rows = [compare(name, ours[name], value, *bound) for name, value in exact.items()]
    of_norms = [
        compare(name, np.linalg.norm(ours[name]), value, *bound) for name, value in norms.items()
    ]
    found = [worst("gradients", rows)] if rows else []
    return found + ([worst("gradient norms", of_norms)] if of_norms else [])
