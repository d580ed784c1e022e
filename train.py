"""Trains a model, or goes on with training where an earlier run stopped.

python train.py --config configs/cityscapes_512.py [--workdir DIR] [--config.key=value …]
"""

from collections.abc import Sequence
from pathlib import Path

from fullglow_jax import cli
from fullglow_jax.settings import rules

WORKDIR = cli.flag(
    "workdir",
    None,
    rules.path(),
    "Folder for checkpoints, metrics and samples; runs/NAME if not given.",
)
PROFILE = cli.flag("profile", 0, rules.integer(0), "Trace so many steps to WORKDIR/profile.")


def main(argv: Sequence[str]) -> None:
    """Parses flags and trains."""
    config = cli.parse_config(argv)
    from fullglow_jax.training.loop import train

    train(config, WORKDIR.value or Path("runs", cli.config_name()), PROFILE.value)


if __name__ == "__main__":
    cli.run(main)
