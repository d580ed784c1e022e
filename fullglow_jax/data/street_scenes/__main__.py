"""The command: `python -m fullglow_jax.data.street_scenes --root DIR`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from fullglow_jax.data.street_scenes.write import Progress, generate
from fullglow_jax.errors import UserError


def _size(text: str) -> tuple[int, int]:
    """Reads HEIGHTxWIDTH."""
    height, _, width = text.partition("x")
    if not (height.isdecimal() and width.isdecimal()):
        raise argparse.ArgumentTypeError(f"'{text}' is not HEIGHTxWIDTH, such as 128x256")
    return int(height), int(width)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m fullglow_jax.data.street_scenes",
        description="Makes a set of street scenes on disk, in the layout of Cityscapes.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--root", type=Path, required=True, help="the folder of the set")
    parser.add_argument("--train", type=int, default=1000, help="scenes to train on")
    parser.add_argument("--val", type=int, default=100, help="scenes to validate on")
    parser.add_argument("--size", type=_size, default="128x256", help="HEIGHTxWIDTH, pixels")
    parser.add_argument("--seed", type=int, default=0, help="of the set")
    parser.add_argument("--workers", type=int, default=None, help="processes; None: by the cores")
    return parser


def _in_lines(done: int, total: int) -> None:
    """Tells of progress where there is no terminal: a line for every tenth of the set."""
    if done == total or done * 10 // total != (done - 1) * 10 // total:
        print(f"street_scenes: {done} of {total} scenes", flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        argv: its arguments; those of the process where None is given.

    Returns:
        The exit status: 0; 1 after a `UserError`; 130 after an interrupt.
    """
    given = _parser().parse_args(argv)
    height, width = given.size

    def run(progress: Progress) -> bool:
        return generate(
            given.root,
            train=given.train,
            val=given.val,
            height=height,
            width=width,
            seed=given.seed,
            workers=given.workers,
            progress=progress,
        )

    console = Console()
    try:
        if console.is_terminal:
            columns = ("street_scenes", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            with Bar(*columns, console=console, transient=True) as bar:
                task = bar.add_task("", total=None)
                made = run(lambda done, total: bar.update(task, completed=done, total=total))
        else:
            made = run(_in_lines)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("street_scenes: interrupted; the same command finishes the set", file=sys.stderr)
        return 130
    print(f"street_scenes: {given.root} {'is complete' if made else 'already holds this set'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
