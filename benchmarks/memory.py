"""Memory, from the compiler's figures: nothing is run.

python -m benchmarks.memory                  temporary memory of loss and gradient (--family NAME)
python -m benchmarks.memory --training       all that a training step of each config takes
python -m benchmarks.memory --largest-batch  the largest batch that fits on this device
"""

from collections.abc import Iterator
from itertools import product
from typing import Any

import jax
import numpy as np

from benchmarks.common import MIB, full_glow_model, numbers, parser, report, size
from benchmarks.families import BENCHED, flow_of
from fullglow_jax.flows.architecture import FullGlowArchitecture
from fullglow_jax.flows.model import FlowModel
from fullglow_jax.layers.precision import PRECISIONS
from fullglow_jax.models.batch import Batch
from fullglow_jax.models.shapes import Shapes

GIB = 2**30


def abstract_batch(shapes: Shapes, count: int) -> Batch:
    """Shapes of a batch."""
    images = jax.ShapeDtypeStruct((count, *shapes.image_size, 3), np.uint8)
    return Batch(images, images)


def temporary_bytes(model: FlowModel, batch_size: int = 1) -> int:
    """Of the objective's value and gradient, its parameters and gradients not counted."""
    batch = abstract_batch(model.shapes, batch_size)
    state = jax.eval_shape(model.init, jax.random.key(0), batch)
    keys = jax.eval_shape(lambda: jax.random.split(jax.random.key(0), batch_size))

    def objective(params: Any, constants: Any, batch: Batch, keys: Any) -> Any:
        bits = model.bits_per_dim({"params": params, **constants}, batch, keys)
        # Weights of one another, which take no memory, left out.
        return sum(bits[name].mean() for name in ("source", model.headline) if name in bits)

    constants = {name: tree for name, tree in state.variables.items() if name != "params"}
    compiled = (
        jax.jit(jax.value_and_grad(objective))
        .lower(state.variables["params"], constants, batch, keys)
        .compile()
    )
    return int(compiled.memory_analysis().temp_size_in_bytes)


def training_bytes(model: FlowModel, batch_size: int) -> dict[str, int]:
    """Of a training step: its state (parameters and Adam's two moments), and all beside it."""
    batch = abstract_batch(model.shapes, batch_size)
    key = jax.eval_shape(lambda: jax.random.key(0))
    state = jax.eval_shape(model.init, key, batch)
    figures = (
        jax.jit(model.train_step, donate_argnums=0)
        .lower(state, batch, key)
        .compile()
        .memory_analysis()
    )
    held = int(figures.argument_size_in_bytes)
    beside = figures.temp_size_in_bytes + figures.output_size_in_bytes - figures.alias_size_in_bytes
    return {"held": held, "beside": int(beside), "total": held + int(beside)}


def temporary(args: Any) -> Iterator[dict[str, Any]]:
    """Rows of the first table."""
    for image_size, steps, mode, precision in product(
        args.size, args.steps, args.mode, args.precision
    ):
        model = flow_of(
            args.family,
            image_size,
            steps,
            memory_mode=mode,
            precision=precision,
            tile=args.tile,
        )
        yield {
            "family": args.family,
            "image": "×".join(map(str, image_size)),
            "steps": ",".join(map(str, steps)),
            "mode": mode,
            "precision": precision,
            "temporary, MiB": round(temporary_bytes(model, args.batch) / MIB),
        }


def training(args: Any) -> Iterator[dict[str, Any]]:
    """Rows of the second table: the paper's sizes, as `configs/` has them."""
    for image_size, mode in (
        ((256, 256), "remat"),
        ((512, 1024), "remat"),
        ((1024, 2048), "invert"),
    ):
        model = full_glow_model(
            FullGlowArchitecture(image_size, (8, 8, 8, 8), memory_mode=mode, tile=args.tile)
        )
        figures = training_bytes(model, 1)
        yield {
            "image": "×".join(map(str, image_size)),
            "mode": mode,
            "parameters and Adam, GiB": figures["held"] / GIB,
            "gradients and temporary, GiB": figures["beside"] / GIB,
            "total, GiB": figures["total"] / GIB,
        }


def largest_batch(args: Any) -> Iterator[dict[str, Any]]:
    """Rows of the third table: powers of two, until one does not fit."""
    limit = (jax.devices()[0].memory_stats() or {}).get("bytes_limit")
    if not limit:
        raise SystemExit("this device does not tell how much memory it has")
    for image_size, precision in product(((256, 256), (512, 1024)), args.precision):
        architecture = FullGlowArchitecture(
            image_size, (8, 8, 8, 8), memory_mode="invert", precision=precision, tile=args.tile
        )
        model, fits, total = full_glow_model(architecture), 0, 0
        for batch_size in (2**n for n in range(12)):
            needed = training_bytes(model, batch_size)["total"]
            if needed > limit:
                break
            fits, total = batch_size, needed
        yield {
            "image": "×".join(map(str, image_size)),
            "precision": precision,
            "largest batch": fits,
            "total, GiB": total / GIB,
            "device, GiB": limit / GIB,
        }


def main() -> None:
    """Compiles every case."""
    options = parser(__doc__)
    options.add_argument("--size", type=size, nargs="+", default=[(256, 256), (512, 1024)])
    options.add_argument("--steps", type=numbers, nargs="+", default=[(8,) * 4, (32,) * 4])
    options.add_argument("--family", choices=BENCHED, default="full_glow")
    options.add_argument("--batch", type=int, default=1)
    options.add_argument("--mode", nargs="+", default=["store", "remat", "invert"])
    options.add_argument("--precision", nargs="+", choices=PRECISIONS, default=["float32"])
    options.add_argument("--tile", type=int)
    options.add_argument("--training", action="store_true")
    options.add_argument("--largest-batch", action="store_true")
    args = options.parse_args()
    name, found = "memory", temporary
    if args.training:
        name, found = "memory_training", training
    elif args.largest_batch:
        name, found = "memory_largest_batch", largest_batch
    rows = []
    for row in found(args):
        print(row, flush=True)
        rows.append(row)
    report(args, name, rows)


if __name__ == "__main__":
    main()
