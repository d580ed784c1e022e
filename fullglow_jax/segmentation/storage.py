"""PSPNets as files: one .npz with its architecture."""

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from fullglow_jax.errors import UserError
from fullglow_jax.files.drafts import draft
from fullglow_jax.files.unpacking import read_npz
from fullglow_jax.segmentation.architecture import PSPNetArchitecture
from fullglow_jax.segmentation.pspnet import Variables, abstract_variables

ARCHITECTURE = "architecture"
AUXILIARY = "params/auxiliary/"


def save_pspnet(path: Path, architecture: PSPNetArchitecture, variables: Variables) -> None:
    """Writes a network to a .npz file; an older file stays whole until the new one replaces it.

    Raises:
        UserError: If the file cannot be written.
    """
    arrays: dict[str, Any] = flatten_dict(variables, sep="/")
    arrays[ARCHITECTURE] = np.frombuffer(json.dumps(asdict(architecture)).encode(), np.uint8)
    try:
        with draft(path) as scratch, scratch.open("wb") as file:
            np.savez(file, **arrays)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.") from None


def load_pspnet(path: Path | str) -> tuple[PSPNetArchitecture, Variables]:
    """Reads a file of `save_pspnet`.

    Returns:
        The network's numbers, and its variables as NumPy arrays; those of the auxiliary head only
        if they were saved.

    Raises:
        UserError: If the file is missing, damaged, something else, or far too large when unpacked.
    """
    path = Path(path)
    try:
        arrays = read_npz(path)
        architecture = _architecture(json.loads(arrays.pop(ARCHITECTURE).tobytes()))
    except FileNotFoundError:
        raise UserError(
            f"{path}: no such file; expected a PSPNet's .npz, which "
            "fullglow_jax.interop.import_semseg makes of semseg's .pth."
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} is not a whole PSPNet's .npz ({type(error).__name__}: {error}). Expected a "
            "file that fullglow_jax.interop.import_semseg wrote; it may have been cut off: copy "
            "it again."
        ) from None
    auxiliary = any(name.startswith(AUXILIARY) for name in arrays)
    expected = flatten_dict(abstract_variables(architecture, auxiliary), sep="/")
    wrong = [
        f"has {'no ' if name not in arrays else ''}{name!r}"
        for name in sorted(expected.keys() ^ arrays.keys())
    ] + [
        f"has {name!r} of shape {arrays[name].shape}, where {leaf.shape} was expected"
        for name, leaf in expected.items()
        if name in arrays and arrays[name].shape != leaf.shape
    ]
    if wrong:
        more = f" (and {len(wrong) - 1} more like this)" if len(wrong) > 1 else ""
        raise UserError(
            f"{path} {wrong[0]}{more}: its arrays are not those of the network that it says it "
            f"holds, {architecture}. Import it again."
        )
    return architecture, unflatten_dict(arrays, sep="/")


def _architecture(described: dict[str, Any]) -> PSPNetArchitecture:
    names = {field.name for field in fields(PSPNetArchitecture)}
    if odd := described.keys() - names:
        raise KeyError(f"unknown {sorted(odd)[0]!r} in {ARCHITECTURE!r}")
    # JSON has lists, but compilation needs tuples, which can be hashed.
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in described.items()
    }
    return PSPNetArchitecture(**values)
