"""Fréchet distance of two sets of features (Heusel et al. 2017), in float64.

    ‖μ₁ − μ₂‖² + tr Σ₁ + tr Σ₂ − 2 tr √(Σ₁Σ₂)

It is that of two Gaussians with the sets' means and covariances. Of few images it is too large: the
covariance of N images has rank N − 1, and both have errors that count as distance.
"""

from typing import NamedTuple

import numpy as np


class Statistics(NamedTuple):
    """Mean (C,) and covariance (C, C), divided by N − 1, of a set's features; float64."""

    mean: np.ndarray
    covariance: np.ndarray


def statistics(features: np.ndarray) -> Statistics:
    """The statistics of features (N, C), N from 2 on."""
    features = features.astype(np.float64)
    mean = features.mean(0)
    centred = features - mean
    return Statistics(mean, centred.T @ centred / (len(features) - 1))


def frechet_distance(first: Statistics, second: Statistics) -> float:
    """The distance, 0 or more but for rounding.

    The eigenvalues of Σ₁Σ₂ are those of √Σ₁ Σ₂ √Σ₁, which is symmetric: so they are real, and 0 or
    more, also with fewer images than features.
    """
    root = _root(first.covariance)
    eigenvalues = np.linalg.eigvalsh(root @ second.covariance @ root)
    return float(
        np.square(first.mean - second.mean).sum()
        + np.trace(first.covariance)
        + np.trace(second.covariance)
        - 2 * np.sqrt(np.maximum(eigenvalues, 0)).sum()
    )


def _root(covariance: np.ndarray) -> np.ndarray:
    """The symmetric square root."""
    eigenvalues, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.maximum(eigenvalues, 0))) @ vectors.T
