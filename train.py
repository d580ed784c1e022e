"""Trains a model, or goes on with training where an earlier run stopped.

python train.py --config configs/cityscapes_512.py [--workdir DIR] [--config.key=value …]
"""

from collections.abc import Sequence
from pathlib import Path

from absl import flags

from fullglow_jax import cli

WORKDIR = flags.DEFINE_string(
    "workdir", None, "Folder for checkpoints, metrics and samples; runs/NAME if not given."
)
PROFILE = flags.DEFINE_integer(
    "profile", 0, "Trace so many steps to WORKDIR/profile.", lower_bound=0
)


def main(argv: Sequence[str]) -> None:
    """Parses flags and trains."""
    config = cli.parse_config(argv)
    from fullglow_jax.training.loop import train

    train(config, Path(WORKDIR.value or f"runs/{cli.config_name()}"), PROFILE.value)


if __name__ == "__main__":
    cli.run(main)
