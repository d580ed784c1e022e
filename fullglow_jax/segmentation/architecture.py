"""The numbers that a PSPNet is built from, and which are possible."""

from dataclasses import dataclass

from fullglow_jax.errors import UserError

DEPTHS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
"""Blocks of the four layers, by the name that goes with so many convolutions (ResNet, table 1)."""

NORMS = ("batch", "group")

EXPANSION = 4
"""Channels that a bottleneck block puts out, for each that its 3×3 convolution has."""


@dataclass(frozen=True)
class PSPNetArchitecture:
    """The numbers that a PSPNet is built from; as given here, semseg's PSPNet-50 for Cityscapes.

    Attributes:
        blocks: Bottleneck blocks of each of the four layers; `DEPTHS` has those with a name.
        width: Channels of the stem's first convolution, of which all others are multiples.
        classes: Channels of the logits.
        bins: Cells along each side of the pyramid's grids (PSPNet, section 3.2).
        norm: "batch", normalisation by stored statistics, as imported weights need it; or "group",
            by each example's own, for networks that are trained here (see `Normalization`).
        dropout: Probability that a channel before a classifier is dropped, in training alone.

    Raises:
        UserError: Where a value is not possible.
    """

    blocks: tuple[int, ...] = DEPTHS[50]
    width: int = 64
    classes: int = 19
    bins: tuple[int, ...] = (1, 2, 3, 6)
    norm: str = "batch"
    dropout: float = 0.1

    def __post_init__(self) -> None:
        if len(self.blocks) != 4 or min(self.blocks) < 1:
            raise UserError(
                f"PSPNet's blocks={self.blocks} must be four numbers of 1 or more, for example "
                f"{DEPTHS[50]}."
            )
        if self.width < 1:
            raise UserError(f"PSPNet's width={self.width} must be 1 or more; semseg's is 64.")
        if self.classes < 2:
            raise UserError(f"PSPNet's classes={self.classes} must be 2 or more.")
        if not self.bins or min(self.bins) < 1 or self.channels[-1] % len(self.bins):
            raise UserError(
                f"PSPNet's bins={self.bins} must be of 1 or more, and so many that they divide "
                f"the backbone's {self.channels[-1]} channels, for example (1, 2, 3, 6)."
            )
        if self.norm not in NORMS:
            raise UserError(f"PSPNet's norm={self.norm!r} is not one of {', '.join(NORMS)}.")
        if not 0 <= self.dropout < 1:
            raise UserError(f"PSPNet's dropout={self.dropout} must be in [0, 1).")

    @property
    def channels(self) -> tuple[int, ...]:
        """What the four layers put out: 256, 512, 1024 and 2048 of width 64."""
        return tuple(EXPANSION * self.width * 2**layer for layer in range(4))

    @property
    def features(self) -> int:
        """Channels before the classifier: 512 of width 64."""
        return self.channels[-1] // 4
