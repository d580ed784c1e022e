"""The U-Net of pix2pix (Isola et al. 2017, section 3.2 and appendix 6.1)."""

from collections.abc import Sequence
from typing import NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from fullglow_jax.layers.norms import OF_IMAGE, Norm
from fullglow_jax.layers.precision import Compute, at_least_float32
from fullglow_jax.layers.square_convolution import SquareConvolution
from fullglow_jax.layers.starts import STARTS

SLOPE = 0.2
"""Slope of leaky ReLUs below 0."""

MOST_WIDTHS = 8
"""Channels of the widest layers, in widths of the first."""


class Shared(NamedTuple):
    """All that draws under one condition share, which is what comes before the first dropout.

    Attributes:
        image: The input of the first dropout, (B, h, w, C).
        skips: What is joined to the image after each up that is still to come, in their order.
    """

    image: Array
    skips: tuple[Array, ...]


class UNet(nn.Module):
    """An encoder of convolutions that halve an image, a decoder that doubles it, and skips between.

    Down i has width·min(2^i, 8) channels; up i gives what down i − 1 gave to it back, and is joined
    to it. Between convolutions are norms, but not after the first down, the innermost, and the
    last up, and leaky ReLUs or ReLUs before; the last up has tanh after it.

    Noise is dropout, of ups from `dropout_from` on, but the innermost: the masks are given.

    Attributes:
        downs: Halvings; the image's height and width are multiples of 2^downs.
        width: Channels of the first down.
        features: Channels of the drawn image.
        norm: One of `norms.NORMS`.
        dropout_from: The first up that has dropout; 4 in pix2pix.
        start: One of `STARTS`.
        gain: Its gain, and the deviation of norms' scales.
        precision: One of `PRECISIONS`.
    """

    downs: int
    width: int = 64
    features: int = 3
    norm: str = "batch"
    dropout_from: int = 4
    start: str = "normal"
    gain: float = 0.02
    precision: str = "float32"

    def setup(self) -> None:
        """Names the layers."""
        inner, last = range(1, self.downs), self.downs - 1
        self.down = [self._convolution(self.channels(i)) for i in range(self.downs)]
        self.down_norm = {str(i): self._norm() for i in inner if i < last}
        self.up = {str(i): self._convolution(self.channels(i - 1), True) for i in inner}
        self.up_norm = {str(i): self._norm() for i in inner}
        self.image = self._convolution(self.features, True, bias=True)

    def channels(self, down: int) -> int:
        """Output channels of a down."""
        return min(2**down, MOST_WIDTHS) * self.width

    def noise_shapes(self, height: int, width: int) -> tuple[tuple[int, int, int], ...]:
        """(h, w, c) of each dropout's mask for images of a size, in their order."""
        return tuple((height >> i, width >> i, self.channels(i - 1)) for i in self._dropouts)

    def __call__(
        self, condition: Array, noise: Sequence[Array], statistics: str = OF_IMAGE
    ) -> Array:
        """The image, float32 (B, H, W, features) in [−1, 1].

        Args:
            condition: (B, H, W, C) in [−1, 1].
            noise: A factor for each value of each dropout: (B, *`noise_shapes`).
            statistics: Those of batch norms.
        """
        return self.drawn(self.shared(condition, statistics), noise, statistics)

    def with_terms(
        self, condition: Array, noise: Sequence[Array], statistics: str = OF_IMAGE
    ) -> tuple[Array, dict[str, Array]]:
        """The image, and no terms of a loss that would be its own."""
        return self(condition, noise, statistics), {}

    def shared(self, condition: Array, statistics: str = OF_IMAGE) -> Shared:
        """All that does not depend on noise; arguments are those of `__call__`."""
        x = Compute(self.precision).cast(condition)
        skips: list[Array] = []
        for i in range(self.downs):
            if i:
                skips.append(x)
                x = nn.leaky_relu(x, SLOPE)
            x = self.down[i](x)
            if str(i) in self.down_norm:
                x = self.down_norm[str(i)](x, statistics)
        for i in range(self.downs - 1, self._first_dropout, -1):
            x = jnp.concatenate([skips.pop(), self._raised(i, x, statistics)], axis=-1)
        return Shared(self._raised(self._first_dropout, x, statistics), tuple(reversed(skips)))

    def drawn(self, shared: Shared, noise: Sequence[Array], statistics: str = OF_IMAGE) -> Array:
        """The image, from the result of `shared`; other arguments are those of `__call__`."""
        x, masks = shared.image, dict(zip(self._dropouts, noise, strict=True))
        for i, skip in zip(range(self._first_dropout, 0, -1), shared.skips, strict=True):
            if i in masks:
                x = x * masks[i].astype(x.dtype)
            x = self._raised(i - 1, jnp.concatenate([skip, x], axis=-1), statistics)
        return x

    @property
    def _dropouts(self) -> tuple[int, ...]:
        """The ups with dropout, in their order."""
        return tuple(range(self.downs - 2, max(self.dropout_from, 1) - 1, -1))

    @property
    def _first_dropout(self) -> int:
        """The first up with dropout; 0, the one that gives the image, if there is none."""
        return max(self._dropouts, default=0)

    def _raised(self, i: int, x: Array, statistics: str) -> Array:
        """Up i, before its dropout; up 0 gives the image."""
        if not i:
            return jnp.tanh(at_least_float32(self.image(nn.relu(x))))
        return self.up_norm[str(i)](self.up[str(i)](nn.relu(x)), statistics)

    def _convolution(
        self, features: int, transposed: bool = False, bias: bool | None = None
    ) -> SquareConvolution:
        return SquareConvolution(
            features,
            size=4,
            start=STARTS[self.start](self.gain),
            stride=2,
            bias=self.norm == "instance" if bias is None else bias,
            transposed=transposed,
            precision=Compute(self.precision).products,
        )

    def _norm(self) -> Norm:
        return Norm(self.norm, self.gain)
