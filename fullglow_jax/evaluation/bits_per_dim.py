"""Bits per dimension of a split: scores, their parts, and a bound by several draws of noise."""

import math
from pathlib import Path
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from fullglow_jax.evaluation.request import EvaluationRequest
from fullglow_jax.evaluation.split_scores import split_scores
from fullglow_jax.evaluation.summary import over_examples
from fullglow_jax.evaluation.unfinished import Unfinished
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.runs.initial_weights import INIT_FROM
from fullglow_jax.runs.metrics import VALIDATION, read_metrics
from fullglow_jax.runs.score import BITS_PER_DIM
from fullglow_jax.runs.trained import Trained


def score_split(
    config: ConfigDict,
    request: EvaluationRequest,
    trained: Trained,
    devices: Devices,
    unfinished: Unfinished,
) -> dict[str, Any]:
    """The entries of the report, JSON values; `unfinished` keeps what is measured."""
    model: Any = trained.model  # a LikelihoodModel, as was checked
    shapes, headline = model.shapes, model.headline
    common = (config, request, trained, devices, unfinished)
    bits = split_scores(*common, model.bits_per_dim, name="bits/dim", draws=request.draws)
    found = {
        "examples": bits[headline].shape[1],
        "draws": request.draws,
        "headline": headline,
        "bits_per_dim": {name: over_examples(values.mean(0)) for name, values in bits.items()},
        "bits_per_dim_of_examples": bits[headline].mean(0).tolist(),
        "untrained_validation_bits_per_dim": _untrained(request.run, headline),
    }
    if request.draws > 1:
        found["importance_weighted_bits_per_dim"] = {
            name: over_examples(importance_weighted(values, shapes.dimensions))
            for name, values in bits.items()
            if "/" not in name
        }
    return found


def _untrained(workdir: Path, headline: str) -> float | None:
    """The bits/dim that training recorded before its first step, if any was from scratch."""
    if (workdir / INIT_FROM).exists():
        return None
    at_start = (record for record in read_metrics(workdir) if record["step"] == 0)
    return next(at_start, {}).get(f"{VALIDATION}{BITS_PER_DIM}{headline}")


def importance_weighted(bits: np.ndarray, dimensions: int) -> np.ndarray:
    """A tighter bound on the bits per dimension of discrete images (Burda et al. 2016).

    It is minus the logarithm of the draws' mean likelihood, not the mean of their logarithms: at
    most the draws' mean bits, and lower with more draws.

    Args:
        bits: (draws, N), bits per dimension.
        dimensions: D = H·W·C.

    Returns:
        (N,).
    """
    nats = -bits.astype(np.float64) * dimensions * math.log(2)
    log_mean = np.logaddexp.reduce(nats, axis=0) - math.log(len(bits))
    return -log_mean / (dimensions * math.log(2))
