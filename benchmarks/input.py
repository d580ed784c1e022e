"""Input: images/s out of the loader over the images/s that a training step takes.

python -m benchmarks.input [--config configs/street_scenes.py] [--config.key=value …]
"""

import argparse
import sys
from pathlib import Path

import jax
import optax

from benchmarks.common import interleaved, quick_init, report
from fullglow_jax import cli
from fullglow_jax.data.pipeline import training_batches
from fullglow_jax.data.source import build_source
from fullglow_jax.model_registry import build_model
from fullglow_jax.parallel.devices import Devices

BATCHES = 50

COMMAND = cli.CommandLine(__doc__)


def main() -> None:
    """Measures one config."""
    config = COMMAND.parse_config(sys.argv[1:], alone=True)
    model, devices = build_model(config, optax.constant_schedule(1e-4)), Devices()
    batch_size = config.train.batch_size
    batches = training_batches(
        build_source(config.data, "train", model.shapes.annotations, training=True),
        batch_size=batch_size,
        seed=config.seed,
        threads=config.data.threads,
        workers=config.data.workers,
        annotations=model.shapes.annotations,
        flip=config.data.flip,
        size=model.shapes.image_size,
    )
    batch = devices.put_batch(next(batches).batch)
    state = quick_init(model, batch)
    train_step, key = jax.jit(model.train_step), jax.random.key(1)

    def load() -> None:
        for _ in range(BATCHES):
            next(batches)

    seconds = interleaved({"loader": load, "step": lambda: train_step(state, batch, key)}, 5)
    batches.close()
    loaded, trained = BATCHES * batch_size / seconds["loader"], batch_size / seconds["step"]
    row = {
        "config": COMMAND.config_name,
        "image": "×".join(map(str, model.shapes.image_size)),
        "loader, images/s": loaded,
        "training, images/s": trained,
        "loader / training": loaded / trained,
    }
    report(argparse.Namespace(out=Path("benchmarks/results")), "input", [row])


if __name__ == "__main__":
    cli.run(lambda _: main())
