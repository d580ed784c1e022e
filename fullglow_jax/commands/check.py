"""Checks a whole data set, and reports everything that is wrong with it.

python -m fullglow_jax.data.check --config NAME [--config.data.root=DIR …] [--out check.png]
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from fullglow_jax import cli
from fullglow_jax.settings import rules

COMMAND = cli.CommandLine(__doc__)
OUT = COMMAND.flag("out", Path("check.png"), rules.path(), "Where to write a grid of some pairs.")


def main(argv: Sequence[str]) -> int:
    """Parses flags and checks; the exit code is 0 if all is good."""
    config = COMMAND.parse_config(argv, alone=True)
    from fullglow_jax.data.check import check

    return 0 if check(config, OUT.value) else 1


def run() -> NoReturn:
    """Starts the command."""
    cli.run(main)
