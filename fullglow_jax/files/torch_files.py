"""Files of PyTorch, read without running code that they may hold."""

import pickle
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fullglow_jax.errors import UserError, mended
from fullglow_jax.files.unpacking import check_archive, most_bytes, too_much


def read_torch_file(path: Path, expected: str, parts: str) -> Any:
    """A file's content with its tensors as float32 arrays; never runs code from the file.

    Args:
        path: The file.
        expected: The expected kind of file, for messages.
        parts: The parts that are read, for messages.

    Raises:
        UserError: If PyTorch is not installed, or the file is missing, damaged, not PyTorch's, far
            too large when unpacked, or holds more than tensors and plain values.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file; expected {expected}.")
    with mended(f"{path} cannot be read", "Check its permissions and its disk."):
        check_archive(path)
    try:
        import torch
    except ImportError:
        raise UserError(
            f"Reading {path} needs PyTorch, which is not installed: pip install torch, "
            "or pip install 'fullglow-jax[torch]'."
        ) from None

    room = most_bytes(path)

    def plain(value: Any) -> Any:
        nonlocal room
        if isinstance(value, torch.Tensor):
            # A tensor that repeats one stored number can have any size.
            room -= value.numel() * torch.float32.itemsize
            if room < 0:
                raise too_much(path, "its tensors have more")
            return value.detach().float().numpy()
        if isinstance(value, Mapping):
            return {key: plain(inner) for key, inner in value.items()}
        return [plain(inner) for inner in value] if isinstance(value, list) else value

    try:
        with warnings.catch_warnings(action="ignore"):
            return plain(torch.load(path, map_location="cpu", weights_only=True))
    except UserError:
        raise
    # All exceptions: a damaged file can raise nearly any, depending on the damaged place.
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
