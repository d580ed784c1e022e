"""Checks of a run's folder."""

import os
from pathlib import Path

from fullglow_jax.errors import UserError

CHECKPOINTS = "checkpoints"

FOLDERS = (CHECKPOINTS, "samples", "tensorboard")
FILES = ("metrics.jsonl", "bad_steps.jsonl", "curve.png", "init_from.json")
"""Names that training writes into a workdir."""


def check_trained(workdir: Path) -> None:
    """Checks that the folder is not a folder without checkpoints inside of a run.

    Raises:
        UserError: If it is; the message names the run.
    """
    run = _run_around(workdir)
    if run is not None and not _has_checkpoints(workdir):
        raise _inside(workdir, run)


def check_new(workdir: Path) -> None:
    """Checks that the names that training writes are free or usable; permissions are not checked.

    Raises:
        UserError: If the folder is inside of a run's checkpoints, or if a file is in the place of
            a folder, or a folder in the place of a file.
    """
    run = _run_around(workdir)
    if run is not None and workdir.resolve().is_relative_to(run / CHECKPOINTS):
        raise _inside(workdir, run)
    kinds = dict.fromkeys(FOLDERS, Path.is_dir) | dict.fromkeys(FILES, Path.is_file)
    for path, is_right in ((workdir / name, is_right) for name, is_right in kinds.items()):
        if os.path.lexists(path) and not is_right(path):
            raise UserError(
                f"{path} is in the place of what training writes. Move it away, or choose another "
                "--workdir."
            )


def _inside(workdir: Path, run: Path) -> UserError:
    checkpoints = workdir.resolve() == run / CHECKPOINTS
    what = "is the checkpoints folder of" if checkpoints else "lies inside of"
    return UserError(f"{workdir} {what} the run {run}. Give the run's own folder, {run}.")


def _run_around(workdir: Path) -> Path | None:
    """The nearest folder above that has checkpoints."""
    return next(filter(_has_checkpoints, workdir.resolve().parents), None)


def _has_checkpoints(folder: Path) -> bool:
    """Whether there is a `folder/checkpoints/STEP/config`."""
    try:
        return any(
            path.name.isdigit() and (path / "config").is_dir()
            for path in (folder / CHECKPOINTS).iterdir()
        )
    except OSError:
        return False
