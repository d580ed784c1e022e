"""Packs a trained model into one folder, in half precision, for the package.

python -m fullglow_jax.box --workdir DIR --out fullglow_jax/box/NAME [--checkpoint best]
"""

from collections.abc import Sequence

from fullglow_jax import cli
from fullglow_jax.errors import UserError
from fullglow_jax.files.folders import make_writable
from fullglow_jax.settings import rules

COMMAND = cli.CommandLine(__doc__)
WORKDIR = COMMAND.flag("workdir", None, rules.path(), "Folder of a training run.")
CHECKPOINT = COMMAND.flag("checkpoint", "latest", rules.checkpoint(), '"latest", "best" or a step.')
OUT = COMMAND.flag("out", None, rules.path(), "Folder for the model; its name is the model's.")


def main(argv: Sequence[str]) -> None:
    """Parses flags and packs."""
    overrides = COMMAND.parse(argv)
    config = cli.workdir_config(WORKDIR.value, CHECKPOINT.value, overrides, alone=True)
    if OUT.value is None:
        raise UserError("--out FOLDER is missing: where the packed model goes.")
    from fullglow_jax.parallel.devices import Devices
    from fullglow_jax.runs.packaged import pack
    from fullglow_jax.runs.trained import load_trained

    trained = load_trained(config, WORKDIR.value, CHECKPOINT.value, Devices())
    make_writable(OUT.value, "--out")
    pack(OUT.value, config, trained.variables, trained.step)
    print(f"wrote {OUT.value}: step {trained.step}")


if __name__ == "__main__":
    cli.run(main)
