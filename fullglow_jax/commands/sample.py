"""Draws images from a trained model: samples, reconstructions, transfers, interpolations, sets.

python sample.py --workdir DIR [--samples 4] [--temperature 0.7] [--condition label_map.png …]
python sample.py --workdir DIR --mode transfer [--pair CONTENT:STRUCTURE …]
python sample.py --workdir DIR --mode set [--rounds 3]
"""

from collections.abc import Sequence
from typing import NoReturn

from fullglow_jax import cli
from fullglow_jax.request_flags import RequestFlags
from fullglow_jax.sampling.request import SampleRequest

COMMAND = cli.CommandLine(__doc__)
FLAGS = RequestFlags(COMMAND, SampleRequest)


def main(argv: Sequence[str]) -> None:
    """Parses flags and samples."""
    overrides = COMMAND.parse(argv)
    request = FLAGS.request()
    config = cli.workdir_config(request.workdir, request.checkpoint, overrides)
    from fullglow_jax.sampling.command import sample

    sample(config, request)


def run() -> NoReturn:
    """Starts the command."""
    cli.run(main)
