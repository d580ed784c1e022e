"""The network inside an affine coupling."""

from dataclasses import dataclass
from functools import partial

import flax.linen as nn
import jax.numpy as jnp
from jax import Array, lax

from fullglow_jax.layers.convolution import convolve_square
from fullglow_jax.layers.layer import Initializer, Layer, Weights, convolve, dense
from fullglow_jax.layers.precision import Compute
from fullglow_jax.layers.row_tiles import convolve_hidden, costly, kept
from fullglow_jax.layers.zero_conv import ZeroConv


class CouplingNet(nn.Module):
    """3×3 → width, ReLU, 1×1 → width, ReLU, zero-conv → features (Glow, section 3.3).

    Attributes:
        features: Output channels.
        width: Hidden channels; 512 in the paper.
        compute: Precision and tiling.
        kernel_deviation: Deviation of the hidden layers' kernels at the start.
        bias_deviation: Deviation of their biases.
    """

    features: int
    width: int = 512
    compute: Compute = Compute()
    kernel_deviation: float = 0.05
    bias_deviation: float = 0.0

    @nn.compact
    def __call__(self, x: Array, condition: Array | None = None) -> Array:
        """Applies the network to [x, condition].

        Args:
            x: (B, H, W, C).
            condition: (b, H, W, C'), where b divides B: each serves B/b images in a row.

        Returns:
            (B, H, W, features).
        """
        inputs = (x,) if condition is None else (x, condition)
        deviations = (self.kernel_deviation, self.bias_deviation)
        starts = tuple(map(nn.initializers.normal, deviations))
        channels = sum(part.shape[-1] for part in inputs)
        first = Layer((3, 3, channels, self.width), *starts, name="conv_0")()
        second = Layer((self.width, self.width), *starts, name="conv_1")()
        output = ZeroConv(self.width, self.features, name="output")

        weights, hidden = (first, second), partial(hidden_layers, self.compute)
        sums = convolve_hidden(hidden, weights, inputs, output.kernel, self.compute)
        return output.from_sums(kept(sums))


@dataclass(frozen=True)
class Coupling:
    """Builder of a `CouplingNet`, whose output starts at zero; attributes are the net's."""

    width: int
    compute: Compute
    kernel_deviation: float = 0.05
    bias_deviation: float = 0.0

    def build(self, features: int, start: Initializer) -> CouplingNet:
        del start
        deviations = (self.kernel_deviation, self.bias_deviation)
        return CouplingNet(features, self.width, self.compute, *deviations)


def hidden_layers(compute: Compute, weights: tuple[Weights, Weights], *parts: Array) -> Array:
    """3×3 convolution of the joined parts, ReLU, 1×1 convolution, ReLU; see `convolve_hidden`."""
    first, second = weights
    parts = tuple(map(compute.cast, parts))
    h = nn.relu(convolve_joined(parts, first, compute.products))
    return nn.relu(costly(dense(h, second, compute.products)))


def convolve_joined(
    parts: tuple[Array, ...], weights: Weights, precision: lax.Precision | None
) -> Array:
    """The convolution of parts that are joined in their channels, with zeros left and right.

    A condition that serves several images is convolved once for all of them: the convolution of
    joined channels is the sum of the convolutions of the parts.
    """
    x, *condition = parts
    if not condition or len(condition[0]) == len(x):
        return convolve(jnp.concatenate(parts, axis=-1), weights, (0, 1), precision)
    x_sums = convolve_square(
        x, weights.kernel[:, :, : x.shape[-1]].astype(x.dtype), (0, 1), precision
    )
    rest = Weights(weights.kernel[:, :, x.shape[-1] :], weights.bias)
    condition_sums = convolve(condition[0], rest, (0, 1), precision)
    grouped = x_sums.reshape(len(condition_sums), -1, *x_sums.shape[1:])
    return (grouped + condition_sums[:, None]).reshape(x_sums.shape)
