"""Weights of pretrained networks, out of files that users name."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fullglow_jax.errors import UserError
from fullglow_jax.files.drafts import draft
from fullglow_jax.files.torch_files import read_torch_file
from fullglow_jax.files.unpacking import read_npz
from fullglow_jax.perception.network import Pretrained, Weights

NETWORK = "network"
"""The entry of our files that names the network."""

STATE = "state_dict"


def read_weights(path: Path, network: Pretrained) -> Weights:
    """A network's weights, NumPy arrays, from a state dict of PyTorch or from our own `.npz`.

    Of a state dict, only what the network reads is taken; never is code of the file run.

    Raises:
        UserError: If the file is missing, damaged, or of another network; if it is PyTorch's, and
            PyTorch is not installed.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file; expected {network.name}: {network.source}.")
    weights = _npz(path, network) if path.suffix == ".npz" else _state_dict(path, network)
    check_weights(weights, network, path)
    return {name: weights[name] for name in network.shapes}


def check_weights(weights: Weights, network: Pretrained, path: Path) -> None:
    """Checks that a file's weights are a network's.

    Raises:
        UserError: If one is missing or of another shape.
    """
    for name, shape in network.shapes.items():
        if name not in weights:
            problem = f"has no {name!r}"
        elif weights[name].shape != shape:
            problem = f"has {name!r} of shape {weights[name].shape}, as ours, not {shape}"
        else:
            continue
        raise UserError(f"{path} is not {network.name}: it {problem}. Expected {network.source}.")


def save_weights(path: Path, network: Pretrained, weights: Weights) -> None:
    """Writes a network's weights as our own `.npz`, which is read without PyTorch.

    Raises:
        UserError: If it cannot be written.
    """
    arrays: dict[str, Any] = {name: np.asarray(weights[name]) for name in network.shapes}
    arrays[NETWORK] = np.frombuffer(network.name.encode(), np.uint8)
    try:
        with draft(path) as scratch, scratch.open("wb") as file:
            np.savez(file, **arrays)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.") from None


def _npz(path: Path, network: Pretrained) -> dict[str, np.ndarray]:
    try:
        arrays = read_npz(path)
        name = arrays.pop(NETWORK).tobytes().decode()
    except (OSError, ValueError, KeyError) as error:
        raise UserError(
            f"{path} is not a whole .npz of {network.name} ({type(error).__name__}: {error}). "
            "Expected a file that fullglow_jax.interop.import_network wrote; copy it again."
        ) from None
    if name != network.name:
        raise UserError(f"{path} is {name}, where {network.name} was expected: {network.source}.")
    return arrays


def _state_dict(path: Path, network: Pretrained) -> dict[str, np.ndarray]:
    content = read_torch_file(path, f"{network.name}: {network.source}", "its state dict")
    state = content.get(STATE, content) if isinstance(content, Mapping) else {}
    found = {}
    for name, tensor in state.items() if isinstance(state, Mapping) else ():
        ours = str(name)
        for pattern, replacement in network.renamed:
            ours = re.sub(f"^{pattern}", replacement, ours)
        if ours in network.shapes and isinstance(tensor, np.ndarray):
            found[ours] = as_ours(tensor)
    return found


def as_ours(tensor: np.ndarray) -> np.ndarray:
    """A tensor of PyTorch's: kernels become HWIO, matrices (in, out)."""
    if tensor.ndim == 4:
        return tensor.transpose(2, 3, 1, 0)
    return tensor.T
