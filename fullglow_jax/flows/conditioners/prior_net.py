"""Networks from the kept half to a prior's mean and deviation."""

from dataclasses import dataclass

from fullglow_jax.layers.layer import Initializer
from fullglow_jax.layers.zero_conv import ZeroConv


@dataclass(frozen=True)
class KeptHalf:
    """Builder of a zero-conv from a kept half of as many channels (Glow, section 3.6; its code).

    Where nothing is kept, it reads zeros, and sees the border alone. The precision is always the
    highest: encoding and decoding must compute the same μ and σ.

    Attributes:
        tile: Pixels convolved at a time; None for all.
    """

    tile: int | None = None

    def build(self, features: int, start: Initializer) -> ZeroConv:
        del start
        return ZeroConv(features // 2, features, self.tile, "highest")


@dataclass(frozen=True)
class EdgeTop:
    """Builder of the zero-conv with an edge channel that reads zeros (DUAL-Glow, its code).

    It has as many input channels as output channels, although it sees the border alone.

    Attributes:
        tile: Pixels convolved at a time; None for all.
    """

    tile: int | None = None

    def build(self, features: int, start: Initializer) -> ZeroConv:
        del start
        return ZeroConv(features, features, self.tile, "highest", edge=True)
