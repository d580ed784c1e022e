"""Reading files of PyTorch without running what they may hold."""

import pickle
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fullglow_jax.errors import UserError


def read_torch_file(path: Path, expected: str, parts: str) -> Any:
    """A file's content with its tensors as float32 arrays; never runs code from the file.

    Args:
        path: Of the file.
        expected: Which file it should be, for messages.
        parts: What is read of it, for messages.

    Raises:
        UserError: Where PyTorch is not installed, or the file is missing, damaged, not
            PyTorch's, or holds more than tensors and plain values.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file; expected {expected}.")
    try:
        import torch
    except ImportError:
        raise UserError(
            f"Reading {path} needs PyTorch, which is not installed: pip install torch, "
            "or pip install 'fullglow-jax[torch]'."
        ) from None

    def plain(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return value.detach().float().numpy()
        if isinstance(value, Mapping):
            return {key: plain(inner) for key, inner in value.items()}
        return value

    try:
        with warnings.catch_warnings(action="ignore"):
            return plain(torch.load(path, map_location="cpu", weights_only=True))
    # What a damaged file raises depends on where it breaks: nearly anything.
    except Exception as error:
        unsafe = re.search(r"GLOBAL (\S+)", str(error))
        if isinstance(error, pickle.UnpicklingError) and unsafe:
            raise UserError(
                f"{path} was refused: it holds a Python object ({unsafe[1]}), and loading one can "
                "run any code. Only tensors and plain values are read. Save the state dicts alone, "
                f"as the original does: {parts}."
            ) from None
        raise UserError(
            f"{path} is not a whole PyTorch checkpoint ({type(error).__name__}). Expected a file "
            "that torch.save wrote; it may have been cut off: copy it again."
        ) from None
