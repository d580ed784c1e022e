"""Bits per dimension: in how many seeds the reported standard error covers the true mean.

python -m benchmarks.standard_error --workdir DIR [--seeds 100] [--draws 1] [--limit 100]

Scores a split as eval.py does, once a seed of the dequantisation noise. What the mean is meant to
be is computed on its own: in float64, over several draws of noise that none of the seeds has.
"""

from pathlib import Path
from typing import Any

import jax
import numpy as np

from benchmarks.common import parser, report
from fullglow_jax.data.pipeline import HostBatch, evaluation_batches
from fullglow_jax.data.source import build_source
from fullglow_jax.evaluation.example_scores import ExampleScores
from fullglow_jax.evaluation.summary import over_examples
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.progress import ProgressLine
from fullglow_jax.runs.trained import Trained, load_trained, stored_config

REFERENCE_SEED = 10**6
BATCH = 10


def main() -> None:
    """Compares and counts."""
    options = parser(__doc__)
    options.add_argument("--workdir", type=Path, required=True, help="of a Full-Glow")
    options.add_argument("--split", default="val")
    options.add_argument("--seeds", type=int, default=100)
    options.add_argument("--draws", type=int, default=1, help="of each seed")
    options.add_argument("--reference_draws", type=int, default=8)
    options.add_argument("--limit", type=int, default=None, help="examples")
    args = options.parse_args()
    config, devices = stored_config(args.workdir, "latest"), Devices()
    trained = load_trained(config, args.workdir, "latest", devices)
    source = build_source(config.data, args.split, trained.model.shapes.annotations)
    batches = list(
        evaluation_batches(
            source,
            batch_size=BATCH,
            threads=config.data.threads,
            annotations=trained.model.shapes.annotations,
            limit=args.limit,
        )
    )
    reference = true_mean(trained, batches, args.reference_draws)
    score = ExampleScores(trained.model.bits_per_dim, devices)
    found = []
    with ProgressLine("seeds", args.seeds) as progress:
        for seed in range(args.seeds):
            bits = score(trained.variables, batches, devices.key(seed), args.draws)
            found.append(over_examples(bits["conditional"].mean(0)))
            progress.update(seed + 1)
    means, errors = (np.array([f[key] for f in found]) for key in ("mean", "standard_error"))
    off = np.abs(means - reference)
    row = {
        "seeds": args.seeds,
        "draws": args.draws,
        "float64 mean": reference,
        "mean of means": float(means.mean()),
        "largest difference": float(off.max()),
        "smallest standard error": float(errors.min()),
        "covered": int((off <= errors).sum()),
    }
    report(args, "standard_error", [row])


def true_mean(trained: Trained, batches: list[HostBatch], draws: int) -> float:
    """Conditional bits/dim over all examples and so many draws, all computed in float64."""
    model = trained.model
    add_noise, encode = jax.jit(model._dequantised), jax.jit(model.network.apply)
    variables = as_float64(trained.variables)
    bits = []
    for key in jax.random.split(jax.random.key(REFERENCE_SEED), draws):
        for place, (batch, _, valid) in enumerate(batches):
            keys = jax.random.split(jax.random.fold_in(key, place), len(batch.target))
            noisy = as_float64(add_noise(batch, keys))
            with jax.enable_x64(True):
                _, encoding = jax.device_get(encode(variables, *noisy))
            nats = -(encoding.log_prior + encoding.log_det).sum(-1)
            of_batch = nats / trained.model.shapes.dimensions / np.log(2) + model.bits
            bits.append(of_batch[valid])
    return float(np.concatenate(bits).mean())


def as_float64(tree: Any) -> Any:
    """The tree's arrays, on the host."""
    return jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), tree)


if __name__ == "__main__":
    main()
