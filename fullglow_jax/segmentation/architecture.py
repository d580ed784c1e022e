"""The architecture of a PSPNet: its numbers and their limits."""

from dataclasses import dataclass

from fullglow_jax.errors import UserError
from fullglow_jax.settings.rules import choice, integer, integers, number
from fullglow_jax.settings.section import Change, check_values, key

DEPTHS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
"""Blocks of the four layers, by the number of layers in the network's name (ResNet, table 1)."""

NORMS = ("batch", "group")

EXPANSION = 4
"""Output channels of a bottleneck block per channel of its 3×3 convolution."""


@dataclass(frozen=True)
class PSPNetSettings:
    """`config.model` of a PSPNet, which labels photos; the defaults are semseg's PSPNet-50."""

    # Bottleneck blocks of each of the four layers; `DEPTHS` has those with a name.
    blocks: tuple[int, ...] = key(DEPTHS[50], integers(DEPTHS[50], count=4), Change.REFUSED)
    # Channels of the stem's first convolution, of which all others are multiples.
    width: int = key(64, integer(), Change.REFUSED)
    # Cells along each side of the pyramid's grids (PSPNet, section 3.2).
    bins: tuple[int, ...] = key((1, 2, 3, 6), integers((1, 2, 3, 6)), Change.REFUSED)
    # Probability that a channel before a classifier is dropped in training.
    dropout: float = key(0.1, number(below=1.0))


@dataclass(frozen=True)
class PSPNetArchitecture(PSPNetSettings):
    """The numbers of a PSPNet; the defaults are semseg's for Cityscapes.

    Attributes:
        classes: Channels of the logits.
        norm: "batch", normalisation by stored statistics, for imported weights; or "group", by
            each example's own statistics, for networks trained here (see `Normalization`).

    Raises:
        UserError: If a value is not possible.
    """

    classes: int = key(19, integer(2))
    norm: str = key("batch", choice(NORMS))

    def __post_init__(self) -> None:
        check_values(self, "PSPNet's ")
        if self.channels[-1] % len(self.bins):
            raise UserError(
                f"PSPNet's bins={self.bins} must be so many that they divide the backbone's "
                f"{self.channels[-1]} channels, for example (1, 2, 3, 6)."
            )

    @property
    def channels(self) -> tuple[int, ...]:
        """Output channels of the four layers: 256, 512, 1024 and 2048 for width 64."""
        return tuple(EXPANSION * self.width * 2**layer for layer in range(4))

    @property
    def features(self) -> int:
        """Channels before the classifier: 512 for width 64."""
        return self.channels[-1] // 4
