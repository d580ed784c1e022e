"""Makes instance maps for a data set, as INADE's make_instances does.

python -m fullglow_jax.data.instances --config NAME [--config.data.name=ade20k …]

Each map has the ids of a label map, or in Cityscapes of its own map of instances, in ascending
order as 0, 1, 2 and so on.
"""

from collections.abc import Sequence
from typing import NoReturn

from fullglow_jax import cli

COMMAND = cli.CommandLine(__doc__)


def main(argv: Sequence[str]) -> None:
    """Parses flags and makes the maps."""
    config = COMMAND.parse_config(argv, alone=True)
    from fullglow_jax.data.instances import make_instances

    make_instances(config.data)


def run() -> NoReturn:
    """Starts the command."""
    cli.run(main)
