"""Trained models in one folder of two files: a config, and variables in half precision."""

import difflib
import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from ml_collections import ConfigDict

from fullglow_jax.config import from_json, to_json
from fullglow_jax.errors import UserError
from fullglow_jax.files.drafts import draft
from fullglow_jax.models.interface import TrainState

PyTree = Any

BOX = Path(__file__).parents[1] / "box"
"""The folder of the package's models."""

ABOUT, VARIABLES = "model.json", "variables.npz"


class PackagedModel:
    """A trained model as `pack` wrote it.

    Attributes:
        folder: Its folder.
        step: The training step of its variables.
        config: The config that it was trained with.

    Raises:
        UserError: If `model.json` cannot be read, or a later version wrote it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
            self._digest: str = about["sha256"]
            self.step: int = about["step"]
            stored = about["config"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise self._damaged(ABOUT, error) from error
        try:
            self.config: ConfigDict = from_json(stored)
        except UserError as error:
            raise UserError(f"{folder / ABOUT}: {error}") from error

    def variables(self, like: TrainState) -> PyTree:
        """Its variables, with the dtypes and sharding of those of the (abstract) state.

        Raises:
            UserError: If the file is missing or damaged, or holds another model.
        """
        try:
            path = self.folder / VARIABLES
            found = hashlib.sha256(path.read_bytes()).hexdigest()
            if found != self._digest:
                raise ValueError(f"its SHA-256 is {found}, not {self._digest}")
            with np.load(path) as arrays:
                stored = dict(arrays)
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            raise self._damaged(VARIABLES, error) from error
        wanted = flatten_dict(like.variables, sep="/")
        shapes = {name: array.shape for name, array in stored.items()}
        if shapes != {name: leaf.shape for name, leaf in wanted.items()}:
            raise UserError(
                f"{self.folder / VARIABLES} holds another model than {ABOUT} beside it says. "
                "Install the package again."
            )
        return unflatten_dict(
            {name: _placed(stored[name], leaf) for name, leaf in wanted.items()}, sep="/"
        )

    def _damaged(self, name: str, error: Exception) -> UserError:
        return UserError(
            f"{self.folder / name} cannot be read as a packaged model's: {error}. "
            "Install the package again."
        )


def find_packaged(workdir: Path, checkpoint: str) -> PackagedModel | None:
    """The package's model of this name, if the path is a bare name and no run has taken it.

    Raises:
        UserError: If it has no such checkpoint, its `model.json` cannot be read, or a later version
            wrote it.
    """
    if str(workdir) not in packaged_names() or (workdir / "checkpoints").exists():
        return None
    model = PackagedModel(BOX / workdir)
    if checkpoint not in ("latest", "best", str(model.step)):
        raise UserError(
            f"{workdir} is a model of the package, and has no checkpoint {checkpoint!r}: leave "
            f"--checkpoint out. Its one checkpoint is of step {model.step}."
        )
    return model


def packaged_names() -> list[str]:
    """The names of the package's models."""
    return sorted(path.parent.name for path in BOX.glob(f"*/{ABOUT}"))


def suggestion(workdir: Path) -> str:
    """What a path may mean that is no run: a packaged model, the nearest by name first."""
    names = packaged_names()
    near = difflib.get_close_matches(str(workdir), names, n=1)
    asked = f"Did you mean {near[0]}? " if near else ""
    return f"{asked}Models of the package are named: {', '.join(names)}." if names else ""


def pack(folder: Path, config: ConfigDict, variables: PyTree, step: int) -> None:
    """Writes a model: all floats as 16 bits, of which 10 are mantissa.

    Raises:
        UserError: If a value is beyond what 16 bits can hold, about 65,000.
        OSError: If the folder cannot be written to.
    """
    arrays = {name: np.asarray(leaf) for name, leaf in flatten_dict(variables, sep="/").items()}
    halves: dict[str, Any] = {name: _half(array) for name, array in arrays.items()}
    for name, array in halves.items():
        if not np.isfinite(array).all():
            raise UserError(f"{name} has values that 16 bits cannot hold: it cannot be packed.")
    folder.mkdir(parents=True, exist_ok=True)
    with draft(folder / VARIABLES) as scratch, scratch.open("wb") as file:
        np.savez_compressed(file, **halves)
    digest = hashlib.sha256((folder / VARIABLES).read_bytes()).hexdigest()
    about = {"step": step, "sha256": digest, "config": to_json(config)}
    with draft(folder / ABOUT) as scratch:
        scratch.write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


def _half(array: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):  # which `pack` refuses
        return array.astype(np.float16) if array.dtype == np.float32 else array


def _placed(array: np.ndarray, like: jax.ShapeDtypeStruct) -> jax.Array:
    whole = array.astype(like.dtype)
    return jax.make_array_from_callback(like.shape, like.sharding, lambda index: whole[index])
