"""Compares variants of one config: trains and scores each, and puts all side by side.

python -m fullglow_jax.studies --config NAME --vary KEY=VALUE,VALUE [--metrics ssim,psnr]
    [--workdir DIR] [--config.key=value …]
python -m fullglow_jax.studies --config NAME --variant "NAME: KEY=VALUE KEY=VALUE"
    --variant "as it is:"

The same command goes on where it was stopped, and leaves alone what is finished.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from fullglow_jax import cli
from fullglow_jax.request_flags import RequestFlags
from fullglow_jax.studies.request import StudyRequest

COMMAND = cli.CommandLine(__doc__)
STUDY = RequestFlags(COMMAND, StudyRequest)


def main(argv: Sequence[str]) -> None:
    """Parses flags, trains and compares."""
    config = COMMAND.parse_config(argv)
    request = STUDY.request()
    from fullglow_jax.studies.study import study

    study(config, request, request.workdir or Path("studies", COMMAND.config_name))


def run() -> NoReturn:
    """Starts the command."""
    cli.run(main)
