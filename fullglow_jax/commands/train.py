"""Trains a model, or goes on with training where an earlier run stopped.

python train.py --config cityscapes_512 [--workdir DIR] [--config.key=value …]
python train.py --config two_folders_256 --init_from runs/cityscapes_256
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from fullglow_jax import cli
from fullglow_jax.settings import rules

COMMAND = cli.CommandLine(__doc__)
WORKDIR = COMMAND.flag(
    "workdir",
    None,
    rules.path(),
    "Folder for checkpoints, metrics and samples; runs/NAME if not given.",
)
INIT_FROM = COMMAND.flag(
    "init_from",
    None,
    rules.path(),
    "Workdir, or name of a packaged model, whose latest weights a new run starts from.",
)
PROFILE = COMMAND.flag("profile", 0, rules.integer(0), "Trace so many steps to WORKDIR/profile.")


def main(argv: Sequence[str]) -> None:
    """Parses flags and trains."""
    config = COMMAND.parse_config(argv)
    from fullglow_jax.training.loop import train

    workdir = WORKDIR.value or Path("runs", COMMAND.config_name)
    train(config, workdir, PROFILE.value, INIT_FROM.value)


def run() -> NoReturn:
    """Starts the command."""
    cli.run(main)
