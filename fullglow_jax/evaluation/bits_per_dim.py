"""Bits per dimension of a split: scores, their parts, and a bound by several draws of noise."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from fullglow_jax.config import to_json
from fullglow_jax.data.pipeline import HostBatch, evaluation_batches
from fullglow_jax.data.source import build_source
from fullglow_jax.digests import digest
from fullglow_jax.evaluation.example_scores import ExampleScores, Scores
from fullglow_jax.evaluation.request import EvaluationRequest
from fullglow_jax.evaluation.summary import over_examples
from fullglow_jax.evaluation.unfinished import Unfinished
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.parallel.distributed import gathered, is_first, on_host
from fullglow_jax.progress import ProgressLine
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
    source = build_source(config.data, request.split, shapes.annotations)
    batches = evaluation_batches(
        source,
        batch_size=request.batch_size,
        threads=config.data.threads,
        annotations=shapes.annotations,
        limit=request.limit,
        **devices.share,
    )
    total = min(len(source), request.limit or len(source))
    score, key = ExampleScores(model.bits_per_dim, devices), devices.key(request.seed)
    depends = depends_on(config, request, trained)

    def remembered(host: HostBatch, place: int, compute: Callable[[], Scores]) -> Scores:
        # Either all processes compute or none: the first decides.
        batch_digest = digest(depends, place, *gathered(digest(host.batch, host.valid)))
        found: Scores | None = gathered(unfinished.get(batch_digest))[0]
        if found is None:
            found = compute()
            unfinished.add(batch_digest, found)
        return found

    with ProgressLine("bits/dim", total, quiet=not is_first()) as progress:
        draws, told = request.draws, progress.update
        bits = score(trained.variables, batches, key, draws, told, remembered)
    found = {
        "examples": total,
        "draws": request.draws,
        "headline": headline,
        "bits_per_dim": {name: over_examples(values.mean(0)) for name, values in bits.items()},
        "bits_per_dim_of_examples": bits[headline].mean(0).tolist(),
        "untrained_validation_bits_per_dim": _untrained(request.workdir, headline),
    }
    if request.draws > 1:
        found["importance_weighted_bits_per_dim"] = {
            name: over_examples(importance_weighted(values, shapes.dimensions))
            for name, values in bits.items()
            if "/" not in name
        }
    return found


def depends_on(config: ConfigDict, request: EvaluationRequest, trained: Trained) -> str:
    """A digest of all that an image's bits/dim depend on, except the image and its place."""
    state = (trained.step, on_host(trained.variables), json.dumps(to_json(config.model)))
    return digest(state, config.data.bits, request.seed, request.draws)


def _untrained(workdir: Path, headline: str) -> float | None:
    """The bits/dim that training recorded before its first step, if any."""
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
