"""Sampling: seconds an image for many photos of one condition and for many conditions.

python -m benchmarks.sampling [--family full_glow] [--original PATH] [--case 1x8]
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jax

from benchmarks.common import (
    arithmetic,
    interleaved,
    numbers,
    parser,
    quick_init,
    random_batch,
    report,
    size,
)
from benchmarks.families import BENCHED, flow_of
from benchmarks.originals import OriginalProcess
from fullglow_jax.compiler_options import for_sampling
from fullglow_jax.flows.model import FlowModel
from fullglow_jax.layers.precision import PRECISIONS
from fullglow_jax.models.batch import Batch

CASES = ((1, 1), (1, 8), (1, 32), (8, 1))
"""(conditions, photos of each)."""


def drawing(model: FlowModel, variables: Any, batch: Batch, each: int) -> Callable[[], Any]:
    """A call that reads the batch's conditions and draws photos of each, as a `Sampler` does."""
    read, sample = (
        jax.jit(function, compiler_options=for_sampling())
        for function in (model.read_conditions, model.sample)
    )
    keys = jax.random.split(jax.random.key(1), len(batch.condition) * each)
    return lambda: sample(variables, read(variables, batch), keys, 0.7)


def main() -> None:
    """Measures every case."""
    options = parser(__doc__)
    options.add_argument("--size", type=size, default=(128, 128))
    options.add_argument("--family", choices=BENCHED, default="full_glow")
    options.add_argument("--steps", type=numbers)
    options.add_argument("--precision", choices=PRECISIONS, default="float32")
    options.add_argument("--case", type=size, action="append", help="conditions × photos of each")
    options.add_argument("--repeats", type=int, default=5, help="0: compile alone")
    options.add_argument("--original", type=Path, help="a checkout of the original")
    args = options.parse_args()
    steps = args.steps or BENCHED[args.family].steps
    model = flow_of(args.family, args.size, steps, precision=args.precision)
    first = random_batch(args.size, 1)
    state = quick_init(model, first)
    original = None
    if args.original:
        original = OriginalProcess(args.family, args.original, model.network.architecture)
        original.train_step(first.condition, first.target)  # starts its actnorms
    rows = []
    for conditions, each in args.case or CASES:
        batch = random_batch(args.size, conditions)
        runs = {"ours": drawing(model, state.variables, batch, each)}
        # Photos of one condition take an original as long as those of as many.
        count = conditions * each
        if original:
            runs["original"] = partial(original.sample, batch.condition[:1], min(count, 8), 0.7)
        seconds = interleaved(runs, args.repeats)
        row: dict[str, Any] = {
            "family": args.family,
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
