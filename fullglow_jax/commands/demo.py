"""Serves a page to play with a trained model, on this machine only.

python -m fullglow_jax.demo [--workdir DIR] [--port 7860]
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from fullglow_jax import cli
from fullglow_jax.settings import rules

COMMAND = cli.CommandLine(__doc__)
WORKDIR = COMMAND.flag(
    "workdir",
    Path("street_scenes"),
    rules.path(),
    "Folder of a training run, or a model of the package, as street_scenes is.",
)
CHECKPOINT = COMMAND.flag("checkpoint", "latest", rules.checkpoint(), '"latest", "best" or a step.')
SPLIT = COMMAND.flag(
    "split", "val", rules.name_of_split(), "Split that conditions are chosen from."
)
PORT = COMMAND.flag(
    "port", 7860, rules.integer(0, 65535), "Where the page is served; 0 for any free port."
)


def main(argv: Sequence[str]) -> None:
    """Parses flags and serves until Ctrl-C."""
    # Each process computes the answers to its own requests, so it joins no others.
    overrides = COMMAND.parse(argv)
    config = cli.workdir_config(WORKDIR.value, CHECKPOINT.value, overrides, alone=True)
    from fullglow_jax.demo.serve import serve

    serve(config, WORKDIR.value, CHECKPOINT.value, SPLIT.value, PORT.value)


def run() -> NoReturn:
    """Starts the command."""
    cli.run(main)
