"""Training step: seconds, images/s, share of the machine's own matrix rate, and the original's.

python -m benchmarks.train_step [--original PATH] [--case 128x128:store --case 256x256:remat]
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
    matrix_product,
    numbers,
    parser,
    quick_init,
    random_batch,
    report,
    size,
)
from benchmarks.flops import training_flops
from fullglow_jax.flows.architecture import FullGlowArchitecture
from fullglow_jax.layers.precision import PRECISIONS
from fullglow_jax.training.compilation import compiler_options


def stepping(architecture: FullGlowArchitecture, batch_size: int) -> Callable[[], Any]:
    """A call that takes one training step and returns its metrics."""
    model, batch = full_glow_model(architecture), random_batch(architecture.image_size, batch_size)
    state = quick_init(model, batch)
    train_step = jax.jit(model.train_step, donate_argnums=0, compiler_options=compiler_options())
    key = jax.random.key(1)

    def step() -> Any:
        nonlocal state
        state, metrics = train_step(state, batch, key)
        return metrics

    return step


def original_stepping(checkout: Path, architecture: FullGlowArchitecture) -> Callable[[], Any]:
    """The same of the original, at batch 1."""
    from benchmarks.original import OriginalProcess

    remat = architecture.memory_mode != "store"
    original = OriginalProcess(checkout, architecture.image_size, architecture.steps, remat)
    batch = random_batch(architecture.image_size, 1)
    return partial(original.train_step, batch.condition, batch.target)


def main() -> None:
    """Measures every case."""
    options = parser(__doc__)
    options.add_argument("--case", action="append", help="SIZE:MEMORY_MODE, any number of times")
    options.add_argument("--steps", type=numbers, default=(8, 8, 8, 8))
    options.add_argument("--batch", type=int, default=1, help="ours; the original takes 1")
    options.add_argument("--precision", choices=PRECISIONS, default="float32")
    options.add_argument("--tile", type=int)
    options.add_argument("--repeats", type=int, default=5, help="0: compile alone")
    options.add_argument("--original", type=Path, help="a checkout of the original (needs torch)")
    options.add_argument("--name", default="train_step")
    args = options.parse_args()
    rows = []
    for case in args.case or ["128x128:store", "256x256:remat", "256x256:invert"]:
        image_size, mode = case.split(":")
        architecture = FullGlowArchitecture(
            size(image_size),
            args.steps,
            memory_mode=mode,
            precision=args.precision,
            tile=args.tile,
        )
        product, product_flops = matrix_product(args.precision)
        runs = {"ours": stepping(architecture, args.batch), "product": product}
        if args.original:
            runs["original"] = original_stepping(args.original, architecture)
        seconds = interleaved(runs, args.repeats)
        rate = training_flops(architecture) * args.batch / seconds["ours"]
        product_rate = product_flops / seconds["product"]
        row = {
            "image": image_size,
            "mode": mode,
            "precision": args.precision,
            "networks multiply in": arithmetic(args.precision),
            "batch": args.batch,
            "seconds": seconds["ours"],
            "images/s": args.batch / seconds["ours"],
            "GFLOP/s": rate / 1e9,
            "of matrix rate": rate / product_rate,
        }
        if args.original:
            row["original, s"] = seconds["original"]
            row["times as fast"] = seconds["original"] * args.batch / seconds["ours"]
        rows.append(row)
    report(args, args.name, rows)


if __name__ == "__main__":
    main()
