"""Checkpoints that the originals' PyTorch code saves."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fullglow_jax.errors import UserError
from fullglow_jax.files.torch_files import read_torch_file
from fullglow_jax.interop.original_checkpoint import Moments, OriginalCheckpoint
from fullglow_jax.interop.tensors import Tensors, check_tensors, held, state_dict

BUFFERS = (
    *("w_p", "u_mask", "l_mask", "s_sign", "l_eye", "initialized"),
    *("running_mean", "running_var", "num_batches_tracked"),
)
"""Last parts of names of the originals' buffers, which they store beside their parameters."""


def is_parameter(name: str) -> bool:
    """Whether the originals train the tensor of this name."""
    return name.rpartition(".")[2] not in BUFFERS


class Parts(NamedTuple):
    """The keys of a file's parts.

    Attributes:
        weights: Of the model's state dict.
        optimizer: Of the optimiser's state dict, or of a list of it alone.
    """

    weights: str
    optimizer: str


@dataclass(frozen=True)
class TorchFiles:
    """The checkpoints of one original.

    Attributes:
        original: Its name in texts.
        example: A file's name.
        modules: The first parts of tensors' names.
        parts: The keys, of each code that saves this model.
        wrapper: What may stand before all names.
    """

    original: str
    example: str
    modules: tuple[str, ...]
    parts: tuple[Parts, ...]
    wrapper: str = ""

    def load(self, path: Path) -> Any:
        """A file's content with its tensors as float32 arrays; never runs code from the file.

        Raises:
            UserError: If PyTorch is not installed, or the file is missing, damaged, not PyTorch's,
                or holds more than tensors and plain values.
        """
        expected = f"the original's {self.example}"
        return read_torch_file(path, expected, self._in_words(self.parts[0]))

    def read(self, content: Any, path: Path) -> OriginalCheckpoint:
        """The checkpoint in the result of `load`: with an optimiser, or a model's state dict alone.

        Raises:
            UserError: If it is neither.
        """
        parts = self._parts(content)
        weights = {
            name.removeprefix(self.wrapper): tensor
            for name, tensor in state_dict(content, parts.weights).items()
        }
        if not any(name.startswith(self.modules) for name in weights):
            names = " and ".join(f"{module}…" for module in self.modules)
            raise UserError(
                f"{path} is not a checkpoint of the original {self.original}: expected "
                f"{' or '.join(map(self._in_words, self.parts))}, or a state dict with {names}; "
                f"it holds {held(content)}."
            )
        check_tensors(weights, path)
        if content.get(parts.optimizer) is None:
            return OriginalCheckpoint(weights, None)
        parameters = {name: value for name, value in weights.items() if is_parameter(name)}
        try:
            moments = _moments(content[parts.optimizer], parameters)
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(
                f"{path}: {parts.optimizer!r} is not that of one torch.optim.Adam over the "
                f"{len(parameters)} parameters of {parts.weights!r} ({error})."
            ) from None
        return OriginalCheckpoint(weights, moments)

    def _parts(self, content: Any) -> Parts:
        """The keys that a file's content has, or else the first ones that it could have."""
        there = content if isinstance(content, Mapping) else {}
        return next((parts for parts in self.parts if parts.weights in there), self.parts[0])

    @staticmethod
    def _in_words(parts: Parts) -> str:
        return f"{parts.weights!r} and {parts.optimizer!r}"


def _moments(optimizer: Any, parameters: Tensors) -> Moments:
    """Adam's state by name; it is stored by number, in the order of the parameters."""
    if isinstance(optimizer, list):
        (optimizer,) = optimizer
    (group,) = optimizer["param_groups"]
    stored = optimizer["state"]
    # Nothing is stored for a parameter that never had a gradient.
    slots = {
        name: stored.get(identity)
        for name, identity in zip(parameters, group["params"], strict=True)
    }
    counts = {int(slot["step"]) for slot in slots.values() if slot}
    if len(counts) > 1:
        raise ValueError(f"parameters stepped {min(counts)} to {max(counts)} times")

    def moment(key: str) -> Tensors:
        return {
            name: slots[name][key] if slots[name] else np.zeros_like(parameter)
            for name, parameter in parameters.items()
        }

    return Moments(max(counts, default=0), moment("exp_avg"), moment("exp_avg_sq"))
