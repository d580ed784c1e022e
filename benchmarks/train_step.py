"""Training step: seconds, images/s, share of the machine's own matrix rate, and the original's.

python -m benchmarks.train_step [--family full_glow] [--original PATH]
    [--case 128x128:store --case 256x256:remat]
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jax

from benchmarks.common import (
    arithmetic,
    interleaved,
    matrix_product,
    numbers,
    parser,
    quick_init,
    random_batch,
    report,
    size,
)
from benchmarks.families import BENCHED, flow_of
from benchmarks.flops import training_flops
from benchmarks.originals import DRIVERS, OriginalProcess
from fullglow_jax.compiler_options import for_training
from fullglow_jax.flows.model import FlowModel
from fullglow_jax.layers.precision import PRECISIONS


def stepping(model: FlowModel, batch_size: int) -> Callable[[], Any]:
    """A call that takes one training step and returns its metrics."""
    batch = random_batch(model.shapes.image_size, batch_size)
    state = quick_init(model, batch)
    train_step = jax.jit(model.train_step, donate_argnums=0, compiler_options=for_training())
    key = jax.random.key(1)

    def step() -> Any:
        nonlocal state
        state, metrics = train_step(state, batch, key)
        return metrics

    return step


def original_stepping(
    family: str, checkout: Path, model: FlowModel, batch_size: int
) -> Callable[[], Any]:
    """The same of the family's original."""
    original = OriginalProcess(family, checkout, model.network.architecture)
    batch = random_batch(model.shapes.image_size, batch_size)
    return partial(original.train_step, batch.condition, batch.target)


def main() -> None:
    """Measures every case."""
    options = parser(__doc__)
    options.add_argument("--case", action="append", help="SIZE:MEMORY_MODE, any number of times")
    options.add_argument("--family", choices=BENCHED, default="full_glow")
    options.add_argument("--steps", type=numbers)
    options.add_argument("--batch", type=int, help="the original's is 1, if it takes no more")
    options.add_argument("--precision", choices=PRECISIONS, default="float32")
    options.add_argument("--tile", type=int)
    options.add_argument("--repeats", type=int, default=5, help="0: compile alone")
    options.add_argument("--original", type=Path, help="a checkout of the original")
    options.add_argument("--name", default="train_step")
    args = options.parse_args()
    benched, rows = BENCHED[args.family], []
    batch = args.batch or benched.batch
    for case in args.case or benched.cases:
        image_size, mode = case.split(":")
        model = flow_of(
            args.family,
            size(image_size),
            args.steps or benched.steps,
            memory_mode=mode,
            precision=args.precision,
            tile=args.tile,
        )
        product, product_flops = matrix_product(args.precision)
        runs = {"ours": stepping(model, batch), "product": product}
        if args.original:
            theirs = batch if DRIVERS[args.family].takes_batches else 1
            runs["original"] = original_stepping(args.family, args.original, model, theirs)
        seconds = interleaved(runs, args.repeats)
        rate = training_flops(model) * batch / seconds["ours"]
        product_rate = product_flops / seconds["product"]
        row = {
            "family": args.family,
            "image": image_size,
            "mode": mode,
            "precision": args.precision,
            "networks multiply in": arithmetic(args.precision),
            "batch": batch,
            "seconds": seconds["ours"],
            "images/s": batch / seconds["ours"],
            "GFLOP/s": rate / 1e9,
            "of matrix rate": rate / product_rate,
        }
        if args.original:
            row["original, s"] = seconds["original"]
            row["times as fast"] = seconds["original"] / theirs * batch / seconds["ours"]
        rows.append(row)
    report(args, args.name, rows)


if __name__ == "__main__":
    main()
