"""Sampling: seconds an image for many photos of one condition and for many conditions.

python -m benchmarks.sampling [--original PATH] [--case 1x8]
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jax

from benchmarks.common import (
    arithmetic,
    full_glow_model,
    interleaved,
    numbers,
    parser,
    quick_init,
    random_batch,
    report,
    size,
)
from fullglow_jax.flows.architecture import FullGlowArchitecture
from fullglow_jax.flows.model import JointFlowModel
from fullglow_jax.layers.precision import PRECISIONS
from fullglow_jax.models.batch import Batch

CASES = ((1, 1), (1, 8), (1, 32), (8, 1))
"""(conditions, photos of each)."""


def drawing(model: JointFlowModel, variables: Any, batch: Batch, each: int) -> Callable[[], Any]:
    """A call that reads the batch's conditions and draws photos of each."""
    read, sample = jax.jit(model.read_conditions), jax.jit(model.sample)
    keys = jax.random.split(jax.random.key(1), len(batch.condition) * each)
    return lambda: sample(variables, read(variables, batch), keys, 0.7)


def main() -> None:
    """Measures every case."""
    options = parser(__doc__)
    options.add_argument("--size", type=size, default=(128, 128))
    options.add_argument("--steps", type=numbers, default=(8, 8, 8, 8))
    options.add_argument("--precision", choices=PRECISIONS, default="float32")
    options.add_argument("--case", type=size, action="append", help="conditions × photos of each")
    options.add_argument("--repeats", type=int, default=5, help="0: compile alone")
    options.add_argument("--original", type=Path, help="a checkout of the original (needs torch)")
    args = options.parse_args()
    architecture = FullGlowArchitecture(args.size, args.steps, precision=args.precision)
    model = full_glow_model(architecture)
    state = quick_init(model, random_batch(args.size, 1))
    original = None
    if args.original:
        from benchmarks.original import OriginalProcess

        original = OriginalProcess(args.original, args.size, args.steps, remat=False)
        first = random_batch(args.size, 1)
        original.train_step(first.condition, first.target)  # starts its actnorms
    rows = []
    for conditions, each in args.case or CASES:
        batch = random_batch(args.size, conditions)
        runs = {"ours": drawing(model, state.variables, batch, each)}
        # The original takes each photo by itself: as many of one condition take it as long.
        count = conditions * each
        if original:
            runs["original"] = partial(original.sample, batch.condition[:1], min(count, 8), 0.7)
        seconds = interleaved(runs, args.repeats)
        row: dict[str, Any] = {
            "image": "×".join(map(str, args.size)),
            "conditions": conditions,
            "photos of each": each,
            "precision": args.precision,
            "networks multiply in": arithmetic(args.precision),
            "seconds an image": seconds["ours"] / count,
        }
        if original:
            row["original, s"] = seconds["original"] / min(count, 8)
            row["times as fast"] = row["original, s"] / row["seconds an image"]
        rows.append(row)
    report(args, "sampling", rows)


if __name__ == "__main__":
    main()
