"""Convolutions without a bias, each with the normalisation after it."""

import flax.linen as nn
from jax import Array, lax

from fullglow_jax.layers.layer import Initializer
from fullglow_jax.segmentation.normalization import Normalization

he_normal = nn.initializers.variance_scaling(2.0, "fan_out", "normal")
"""N(0, 2 / (k²·C_out)), the initialiser of the backbone's k×k kernels (He et al. 2015)."""


class ConvNorm(nn.Module):
    """k×k convolution, padded so that stride 1 keeps the size, then normalisation.

    Attributes:
        features: Output channels.
        norm: Kind of the normalisation.
        size: k, odd.
        stride: Pixels between the windows.
        dilation: Pixels between a window's taps.
        kernel_init: Initialiser of the kernel.
    """

    features: int
    norm: str
    size: int = 1
    stride: int = 1
    dilation: int = 1
    kernel_init: Initializer = he_normal

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """(B, ⌈H / stride⌉, ⌈W / stride⌉, features) of (B, H, W, C)."""
        shape = (self.size, self.size, x.shape[-1], self.features)
        kernel = self.param("kernel", self.kernel_init, shape)
        around = self.dilation * (self.size // 2)
        sums = lax.conv_general_dilated(
            x,
            kernel,
            window_strides=(self.stride, self.stride),
            padding=((around, around), (around, around)),
            rhs_dilation=(self.dilation, self.dilation),
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )
        return Normalization(self.norm, name="norm")(sums)
