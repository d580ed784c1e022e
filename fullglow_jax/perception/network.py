"""What is known of a pretrained network: its arrays, and where its file is to be had."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Weights = Mapping[str, Any]
"""Arrays by their names in the published state dict; kernels HWIO, dense ones (in, out)."""

Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Pretrained:
    """A published network.

    Attributes:
        name: Its name, in texts and in our own files.
        shapes: The shapes of all arrays that it reads, as ours.
        source: Where its file is to be had, for messages.
        renamed: Pairs of a pattern and a replacement, for names that other files have.
    """

    name: str
    shapes: Shapes
    source: str
    renamed: tuple[tuple[str, str], ...] = ()
