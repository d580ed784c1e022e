"""A whole set: reading, drawing and writing a split's images over drawing them alone.

python -m benchmarks.sample_set --workdir runs/demo [--count 48] [--rounds 3] [--repeats 3]

Draws the split's first conditions, so often each, of a trained model: once as
`sample.py --mode set` does it, with pairs read and a PNG written for each image, and once from
memory into memory.
"""

import itertools
import shutil
import tempfile
from pathlib import Path

from benchmarks.common import interleaved, parser, report
from fullglow_jax.data.source import build_source
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.runs.trained import load_trained, stored_config
from fullglow_jax.sampling.examples import Examples
from fullglow_jax.sampling.operations import Operations
from fullglow_jax.sampling.request import SampleRequest
from fullglow_jax.sampling.session import Session
from fullglow_jax.sampling.whole_set import whole_set

TEMPERATURE = 0.7


def main() -> None:
    """Times both."""
    options = parser(__doc__)
    options.add_argument("--workdir", type=Path, required=True)
    options.add_argument("--root", help="of the data, if it has moved")
    options.add_argument("--count", type=int, default=48)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--repeats", type=int, default=3)
    args = options.parse_args()
    config = stored_config(args.workdir, "latest")
    if args.root:
        config.data.root = args.root
    devices = Devices()
    trained = load_trained(config, args.workdir, "latest", devices)
    operations = Operations(trained, config.model.name, devices, batch_size=8)
    count = min(args.count, len(build_source(config.data, "val")))
    examples = Examples(config, "val", trained.model.shapes)
    batch = examples.batch(examples.first(count))

    with tempfile.TemporaryDirectory() as folder:
        numbers = itertools.count()

        def as_set() -> None:
            out = Path(folder) / str(next(numbers))
            request = SampleRequest(
                workdir=args.workdir,
                checkpoint="latest",
                mode="set",
                split="val",
                rounds=args.rounds,
                limit=count,
                temperature=(TEMPERATURE,),
                seed=0,
                batch_size=operations.batch_size,
                out=out,
            )
            whole_set(Session(config, request, operations))
            shutil.rmtree(out)

        def alone() -> None:
            for _ in operations.draw(batch, args.rounds, TEMPERATURE, 0):
                pass

        seconds = interleaved({"set": as_set, "alone": alone}, args.repeats)
    images = count * args.rounds
    row = {
        "images": images,
        "set, images/s": images / seconds["set"],
        "drawing alone, images/s": images / seconds["alone"],
        "ratio": seconds["alone"] / seconds["set"],
    }
    report(args, "sample_set", [row])


if __name__ == "__main__":
    main()
