"""The network inside an affine coupling."""

import flax.linen as nn
import jax.numpy as jnp
from jax import Array
from jax.ad_checkpoint import checkpoint_name

from fullglow_jax.networks.compute import Compute
from fullglow_jax.networks.convolution import convolve_3x3
from fullglow_jax.networks.layers import Layer, Weights, convolve, dense
from fullglow_jax.networks.row_tiles import convolve_hidden, costly
from fullglow_jax.networks.zero_conv import ZeroConv

KEPT = "coupling_net"
"""Name, for rematerialisation to keep, of what costs most to compute and takes little room."""


class CouplingNet(nn.Module):
    """3×3 → width, ReLU, 1×1 → width, ReLU, zero-conv → features (Glow, section 3.3).

    Attributes:
        features: Output channels.
        width: Hidden channels; 512 in the paper.
        compute: Precision and tiling.
    """

    features: int
    width: int = 512
    compute: Compute = Compute()

    @nn.compact
    def __call__(self, x: Array, condition: Array | None = None) -> Array:
        """The network of [x, condition].

        Args:
            x: (B, H, W, C).
            condition: (b, H, W, C'), b dividing B: each serves B/b images in a row.

        Returns:
            (B, H, W, features).
        """
        inputs = (x,) if condition is None else (x, condition)
        normal, zeros = nn.initializers.normal(0.05), nn.initializers.zeros
        channels = sum(part.shape[-1] for part in inputs)
        first = Layer((3, 3, channels, self.width), normal, zeros, name="conv_0")()
        second = Layer((self.width, self.width), normal, zeros, name="conv_1")()
        output = ZeroConv(self.width, self.features, name="output")

        def hidden(weights: tuple[Weights, Weights], *parts: Array) -> Array:
            first, second = weights
            parts = tuple(map(self.compute.cast, parts))
            return nn.relu(costly(dense(nn.relu(_convolve_joined(parts, first)), second)))

        sums = convolve_hidden(hidden, (first, second), inputs, output.kernel, self.compute)
        return output.from_sums(checkpoint_name(sums, KEPT))


def _convolve_joined(parts: tuple[Array, ...], weights: Weights) -> Array:
    """The convolution of parts joined in their channels, zeros left and right.

    A condition that serves several images is convolved once for all of them: the convolution of
    joined channels is the sum of the parts'.
    """
    x, *condition = parts
    if not condition or len(condition[0]) == len(x):
        return convolve(jnp.concatenate(parts, axis=-1), weights, (0, 1))
    of_x = convolve_3x3(x, weights.kernel[:, :, : x.shape[-1]].astype(x.dtype), (0, 1))
    rest = Weights(weights.kernel[:, :, x.shape[-1] :], weights.bias)
    of_condition = convolve(condition[0], rest, (0, 1))
    grouped = of_x.reshape(len(of_condition), -1, *of_x.shape[1:])
    return (grouped + of_condition[:, None]).reshape(of_x.shape)
