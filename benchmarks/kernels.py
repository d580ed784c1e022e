"""Kernels: where the time of one training step goes, by the kind of kernel.

python -m benchmarks.kernels [--family full_glow] [--size 256x256] [--mode remat]
    [--precision float32] [--batch 1]
"""

import re
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
from jax.profiler import ProfileData

from benchmarks.common import numbers, parser, report, size
from benchmarks.families import BENCHED, flow_of
from benchmarks.train_step import stepping

CONTAINERS = ("while", "call", "conditional")
"""Operations that only run others, which are counted themselves."""

WARM_UP = 2
"""Steps before the one that is looked at."""


def traced(step: Any, folder: Path) -> Path:
    """The trace of one step."""
    for _ in range(WARM_UP):
        jax.block_until_ready(step())
    with jax.profiler.trace(folder):
        jax.block_until_ready(step())
    (trace,) = folder.rglob("*.xplane.pb")
    return trace


def kernels(trace: Path) -> Iterator[tuple[str, float]]:
    """Each kernel that ran, of the first device: its kind and its nanoseconds.

    On a GPU the kind is the kernel's own name, of cuBLAS or cuDNN say; on a CPU XLA's operation.
    """
    planes = list(ProfileData.from_file(str(trace)).planes)
    device = [plane for plane in planes if plane.name.startswith("/device:GPU:0")]
    for plane in device or [plane for plane in planes if plane.name.startswith("/host:CPU")]:
        for line in plane.lines:
            for event in line.events:
                if "hlo_op" in dict(event.stats) and not event.name.startswith(CONTAINERS):
                    yield re.sub(r"[._]\d+", "", event.name)[:60], event.duration_ns


def main() -> None:
    """Traces one step and adds up its kernels."""
    options = parser(__doc__)
    options.add_argument("--size", type=size, default=(256, 256))
    options.add_argument("--family", choices=BENCHED, default="full_glow")
    options.add_argument("--steps", type=numbers)
    options.add_argument("--mode", default="remat")
    options.add_argument("--precision", default="float32")
    options.add_argument("--batch", type=int, default=1)
    options.add_argument("--tile", type=int)
    options.add_argument("--most", type=int, default=25, help="rows")
    options.add_argument("--name", default="kernels")
    args = options.parse_args()
    model = flow_of(
        args.family,
        args.size,
        args.steps or BENCHED[args.family].steps,
        memory_mode=args.mode,
        precision=args.precision,
        tile=args.tile,
    )
    step = stepping(model, args.batch)
    spent: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        for kind, nanoseconds in kernels(traced(step, Path(folder))):
            spent[kind].append(nanoseconds)
    total = sum(map(sum, spent.values()))
    ordered = sorted(spent.items(), key=lambda item: -sum(item[1]))
    rows: list[dict[str, Any]] = [
        {
            "kernel": kind,
            "calls": len(each),
            "ms": sum(each) / 1e6,
            "share": sum(each) / total,
        }
        for kind, each in ordered[: args.most]
    ]
    report(args, args.name, rows)


if __name__ == "__main__":
    main()
