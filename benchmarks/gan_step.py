"""Training step of a pix2pix: seconds, images/s, and the original's.

python -m benchmarks.gan_step [--original PATH] [--case 128x128:7 --case 256x256:8] [--batch 1]
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jax
import optax

from benchmarks.common import arithmetic, interleaved, parser, random_batch, report, size
from benchmarks.originals import OriginalProcess
from fullglow_jax.compiler_options import for_training
from fullglow_jax.config import default_config
from fullglow_jax.layers.precision import PRECISIONS
from fullglow_jax.model_registry import build_model
from fullglow_jax.models.interface import Model


def model_of(image_size: tuple[int, int], downs: int, precision: str) -> Model:
    """A pix2pix with the optimiser of its authors."""
    config = default_config("pix2pix")
    config.data.image_size = image_size
    config.model.update(downs=downs, precision=precision)
    config.optimizer.beta_1 = 0.5
    return build_model(config, optax.constant_schedule(2e-4))


def stepping(model: Model, batch_size: int) -> Callable[[], Any]:
    """A call that takes one training step and returns its metrics."""
    batch = random_batch(model.shapes.image_size, batch_size)
    options = for_training()
    state = jax.jit(model.init, compiler_options=options)(jax.random.key(0), batch)
    train_step = jax.jit(model.train_step, donate_argnums=0, compiler_options=options)
    key = jax.random.key(1)

    def step() -> Any:
        nonlocal state
        state, metrics = train_step(state, batch, key)
        return metrics

    return step


def main() -> None:
    """Measures every case."""
    options = parser(__doc__)
    options.add_argument("--case", action="append", help="SIZE:DOWNS, any number of times")
    options.add_argument("--batch", type=int, default=1)
    options.add_argument("--precision", choices=PRECISIONS, default="float32")
    options.add_argument("--repeats", type=int, default=5, help="0: compile alone")
    options.add_argument("--original", type=Path, help="a checkout of the original")
    options.add_argument("--name", default="gan_step")
    args = options.parse_args()
    rows = []
    for case in args.case or ("128x128:7", "256x256:8"):
        image_size, downs = case.split(":")
        model = model_of(size(image_size), int(downs), args.precision)
        runs = {"ours": stepping(model, args.batch)}
        if args.original:
            original = OriginalProcess("pix2pix", args.original, model.shapes)
            batch = random_batch(model.shapes.image_size, args.batch)
            runs["original"] = partial(original.train_step, batch.condition, batch.target)
        seconds = interleaved(runs, args.repeats)
        row = {
            "image": image_size,
            "downs": downs,
            "networks multiply in": arithmetic(args.precision),
            "batch": args.batch,
            "seconds": seconds["ours"],
            "images/s": args.batch / seconds["ours"],
        }
        if args.original:
            row["original, s"] = seconds["original"]
            row["times as fast"] = seconds["original"] / seconds["ours"]
        rows.append(row)
    report(args, args.name, rows)


if __name__ == "__main__":
    main()
