"""Kernel distance of two sets of features (Bińkowski et al. 2018), in float64.

    Σ_{i≠j} k(a_i, a_j)/(m(m−1)) + Σ_{i≠j} k(b_i, b_j)/(m(m−1)) − 2 Σ k(a_i, b_j)/m²

It is the squared maximum mean discrepancy of subsets of m, without bias: its mean is right of few
images, too, and it may be below 0.
"""

from collections.abc import Callable

import numpy as np

Kernel = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(m, C), (n, C) → (m, n)."""

SUBSETS, SUBSET_SIZE = 100, 1000
"""By default, and in torch-fidelity."""

SEED = 2020
"""Of the choice of subsets in torch-fidelity."""


def polynomial(
    x: np.ndarray,
    y: np.ndarray,
    degree: int = 3,
    scale: float | None = None,
    shift: float = 1.0,
) -> np.ndarray:
    """(γ·xᵀy + c)ᵈ, γ = 1/C if it is not given."""
    return (x @ y.T * (1 / x.shape[1] if scale is None else scale) + shift) ** degree


def gaussian(x: np.ndarray, y: np.ndarray, deviation: float = 10.0) -> np.ndarray:
    """exp(−‖x − y‖²/(2σ²))."""
    squared = np.square(x).sum(1)[:, None] + np.square(y).sum(1) - 2 * (x @ y.T)
    return np.exp(-np.maximum(squared, 0) / (2 * deviation**2))


def kernel_distance(x: np.ndarray, y: np.ndarray, kernel: Kernel = polynomial) -> float:
    """The distance of two equally large sets (m, C), m from 2 on."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    m = len(x)
    within = sum(k.sum() - np.trace(k) for k in (kernel(x, x), kernel(y, y)))
    return float(within / (m * (m - 1)) - 2 * kernel(x, y).mean())


def of_subsets(
    x: np.ndarray,
    y: np.ndarray,
    subsets: int = SUBSETS,
    size: int = SUBSET_SIZE,
    kernel: Kernel = polynomial,
) -> np.ndarray:
    """The distance of each of some pairs of random subsets, drawn as torch-fidelity does it.

    Args:
        x: Features of the one set, (M, C).
        y: Of the other, (N, C).
        subsets: Number of subsets.
        size: Images of a subset, at most min(M, N).
        kernel: The kernel.

    Returns:
        (subsets,).
    """
    rng = np.random.RandomState(SEED)
    distances = []
    for _ in range(subsets):
        of_x = x[rng.choice(len(x), size, replace=False)]
        of_y = y[rng.choice(len(y), size, replace=False)]
        distances.append(kernel_distance(of_x, of_y, kernel))
    return np.array(distances)
