"""Prepares a data set: it resizes all pairs once, for faster training.

python -m fullglow_jax.data.prepare --config NAME [--config.data.root=DIR …] [--workers 8]
    [--verify]

Training with the same config finds the prepared pairs by itself. If the command was stopped, the
same command goes on.
"""

from collections.abc import Sequence
from typing import NoReturn

from fullglow_jax import cli
from fullglow_jax.settings import rules

COMMAND = cli.CommandLine(__doc__)
WORKERS = COMMAND.flag(
    "workers", None, rules.integer(1, 1024), "Processes to resize in; as many as there are cores."
)
VERIFY = COMMAND.flag("verify", False, rules.truth(), "Read what is prepared already, and mend it.")


def main(argv: Sequence[str]) -> None:
    """Parses flags and prepares."""
    config = COMMAND.parse_config(argv, alone=True)
    from fullglow_jax.data.options import asked_annotations
    from fullglow_jax.data.prepare import prepare
    from fullglow_jax.data.source import with_classes

    annotations = asked_annotations(config)
    prepare(with_classes(config).data, annotations, workers=WORKERS.value, verify=VERIFY.value)


def run() -> NoReturn:
    """Starts the command."""
    cli.run(main)
