"""The head of a PSPNet, from features to the classes' logits."""

import flax.linen as nn
from jax import Array

from fullglow_jax.layers.layer import Layer, dense, torch_uniform
from fullglow_jax.segmentation.conv_norm import ConvNorm


class Head(nn.Module):
    """3×3 convolution, normalisation, ReLU, dropout of channels, 1×1 convolution with a bias.

    Attributes:
        inputs: Input channels.
        width: Hidden channels.
        classes: Output channels.
        norm: Kind of the normalisation.
        dropout: Probability that a hidden channel of an example is dropped, in training.
    """

    inputs: int
    width: int
    classes: int
    norm: str
    dropout: float

    def setup(self) -> None:
        """Names the parts."""
        start = torch_uniform(9 * self.inputs)
        self.convolution = ConvNorm(self.width, self.norm, 3, kernel_init=start)
        self.drop = nn.Dropout(self.dropout, broadcast_dims=(1, 2))
        self.classifier = Layer((self.width, self.classes))

    def features(self, x: Array) -> Array:
        """The classifier's input: (B, H, W, width) of (B, H, W, inputs)."""
        return nn.relu(self.convolution(x))

    def __call__(self, x: Array, train: bool = False) -> Array:
        """The logits, (B, H, W, classes), of (B, H, W, inputs); `train` switches dropout on."""
        dropped = self.drop(self.features(x), deterministic=not train)
        return dense(dropped, self.classifier())
