"""The command `python -m fullglow_jax.street_scenes --root DIR`."""

import argparse
import sys
from collections.abc import Sequence

from fullglow_jax import cli
from fullglow_jax.errors import UserError
from fullglow_jax.files.paths import user_path
from fullglow_jax.street_scenes.write import generate


def _size(text: str) -> tuple[int, int]:
    """Reads HEIGHTxWIDTH."""
    height, _, width = text.partition("x")
    if not (height.isdecimal() and width.isdecimal()):
        raise argparse.ArgumentTypeError(f"'{text}' is not HEIGHTxWIDTH, such as 128x256")
    return int(height), int(width)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m fullglow_jax.street_scenes",
        description="Makes a set of street scenes on disk, in the layout of Cityscapes.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--root", type=user_path, required=True, help="the folder of the set")
    parser.add_argument("--train", type=int, default=1000, help="scenes to train on")
    parser.add_argument("--val", type=int, default=100, help="scenes to validate on")
    parser.add_argument("--size", type=_size, default="128x256", help="HEIGHTxWIDTH, pixels")
    parser.add_argument("--seed", type=int, default=0, help="of the set")
    parser.add_argument("--workers", type=int, default=None, help="processes; None: by the cores")
    return parser


def main(argv: Sequence[str]) -> int:
    """Runs the command; the exit code is 0, 1 after a `UserError`, or 130 after an interrupt."""
    try:
        given = vars(_parser().parse_args(argv))
        height, width = given.pop("size")
        made = generate(**given, height=height, width=width)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("street_scenes: interrupted; the same command finishes the set", file=sys.stderr)
        return 130
    print(f"street_scenes: {given['root']} {'is complete' if made else 'already holds this set'}")
    return 0


if __name__ == "__main__":
    cli.run(main)
