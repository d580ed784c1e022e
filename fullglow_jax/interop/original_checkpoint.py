"""The content of an original's checkpoint, whichever library wrote it."""

from dataclasses import dataclass

from fullglow_jax.interop.tensors import Tensors


@dataclass(frozen=True)
class Moments:
    """Adam's state, by the names of the parameters.

    Attributes:
        count: Steps that Adam has taken.
        first: Running means of the gradients.
        second: Running means of their squares.
    """

    count: int
    first: Tensors
    second: Tensors


@dataclass(frozen=True)
class OriginalCheckpoint:
    """The content of a file of an original that we need.

    Attributes:
        weights: The model's tensors, in its order.
        moments: Adam's state; None if the file has only the model.
    """

    weights: Tensors
    moments: Moments | None
