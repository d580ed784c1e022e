"""Checkpoints that the originals' TensorFlow code saves."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fullglow_jax.errors import UserError
from fullglow_jax.interop.original_checkpoint import Moments, OriginalCheckpoint
from fullglow_jax.interop.tensorflow_files import read_tensorflow_file
from fullglow_jax.interop.tensors import Tensors, held

AVERAGE = "/ExponentialMovingAverage"
"""In the names of a running mean of the weights, which the original keeps and never uses."""


@dataclass(frozen=True)
class TensorFlowFiles:
    """The checkpoints of one original.

    Attributes:
        original: Its name in texts.
        example: A checkpoint's name.
        modules: The first parts of weights' names.
        created: By what weights are sorted in the order in which the original creates them.
    """

    original: str
    example: str
    modules: tuple[str, ...]
    created: Callable[[str], Any]

    def load(self, path: Path) -> Tensors:
        """A checkpoint's tensors by name; needs no TensorFlow.

        Raises:
            UserError: If a file of it is missing, damaged or not TensorFlow's.
        """
        return read_tensorflow_file(path, f"the original's {self.example}")

    def read(self, content: Tensors, path: Path) -> OriginalCheckpoint:
        """The checkpoint in the result of `load`.

        Raises:
            UserError: If it is of something else.
        """
        weights = {
            name: tensor
            for name, tensor in content.items()
            if name.startswith(self.modules) and AVERAGE not in name
        }
        if not weights:
            names = " and ".join(f"{module}…" for module in self.modules)
            raise UserError(
                f"{path} is not a checkpoint of the original {self.original}: expected tensors "
                f"{names}; it holds {held(content)}."
            )
        return OriginalCheckpoint(weights, self._moments(content, weights, path))

    def _moments(self, content: Tensors, weights: Tensors, path: Path) -> Moments | None:
        """Adam's state, whose variables have numbers for names: its step, and then two a weight."""
        if "Variable" not in content:
            return None

        def moment(number: int, weight: Any) -> Any:
            stored = content.get(f"Variable_{number}")
            if stored is None or stored.shape != weight.shape:
                raise UserError(
                    f"{path}: Variable, Variable_1 and so on are not the state of the original's "
                    f"Adam over its {len(weights)} weights."
                )
            return stored

        names = list(enumerate(sorted(weights, key=self.created)))
        return Moments(
            count=int(content["Variable"]) - 1,  # the original counts from 1
            first={name: moment(2 * place + 2, weights[name]) for place, name in names},
            second={name: moment(2 * place + 1, weights[name]) for place, name in names},
        )
