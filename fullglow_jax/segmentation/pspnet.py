"""PSPNet: semantic segmentation with a pyramid of pooled features.

Zhao, Shi, Qi, Wang and Jia 2017, «Pyramid Scene Parsing Network», in the form and with the
constants of `hszhao/semseg`, which the authors released later.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from fullglow_jax.segmentation.architecture import PSPNetArchitecture
from fullglow_jax.segmentation.head import Head
from fullglow_jax.segmentation.pyramid import Pyramid
from fullglow_jax.segmentation.resize import resize_corners
from fullglow_jax.segmentation.resnet import ResNet

Variables = dict[str, Any]
"""{"params": …, "constants": …}; without constants if normalisation is by groups."""


class PSPNet(nn.Module):
    """Dilated ResNet, pyramid, head, and bilinear resizing to the image's size.

    A second head on the third layer helps in training (PSPNet, section 3.3). Its variables exist
    if the network was initialised with it:

        PSPNet(architecture).init(key, images, method="with_auxiliary")

    semseg uses images of 8k + 1 pixels a side: their features are at every eighth pixel, from the
    first to the last. Other sizes are possible; their features are spread from corner to corner in
    the same way.

    Attributes:
        architecture: The network's numbers.
    """

    architecture: PSPNetArchitecture = PSPNetArchitecture()

    def setup(self) -> None:
        """Names the parts."""
        a = self.architecture
        self.backbone = ResNet(a.blocks, a.width, a.norm)
        self.pyramid = Pyramid(a.bins, a.norm)
        *_, third, fourth = a.channels
        self.head = Head(2 * fourth, a.features, a.classes, a.norm, a.dropout)
        self.auxiliary = Head(third, third // 4, a.classes, a.norm, a.dropout)

    def __call__(self, images: Array) -> Array:
        """The classes' logits.

        Args:
            images: (B, H, W, 3) float, normalised by `normalise`; any H and W from 1 on.

        Returns:
            (B, H, W, classes).
        """
        logits = self.head(self.pyramid(self.backbone(images).fourth))
        return _at_size_of(images, logits)

    def with_auxiliary(self, images: Array, train: bool = False) -> tuple[Array, Array]:
        """The classes' logits from both heads, each (B, H, W, classes).

        Args:
            images: As in `__call__`.
            train: Whether channels before the classifiers are dropped; this needs the random
                numbers `rngs={"dropout": key}`, drawn for the whole batch at once. It does not
                change normalisation.
        """
        third, fourth = self.backbone(images)
        logits, auxiliary = self.head(self.pyramid(fourth), train), self.auxiliary(third, train)
        return _at_size_of(images, logits), _at_size_of(images, auxiliary)

    def features(self, images: Array) -> Array:
        """The classifier's input of normalised images: (B, ⌈H/8⌉, ⌈W/8⌉, 8·width), not negative."""
        return self.head.features(self.pyramid(self.backbone(images).fourth))


def _at_size_of(images: Array, logits: Array) -> Array:
    _, height, width, _ = images.shape
    return resize_corners(logits, (height, width))


def abstract_variables(architecture: PSPNetArchitecture, auxiliary: bool = True) -> Variables:
    """Shapes and types of the variables, with or without the second head's; nothing is computed."""
    method = PSPNet.with_auxiliary if auxiliary else PSPNet.__call__

    def initial(images: Array) -> Variables:
        return dict(PSPNet(architecture).init(jax.random.key(0), images, method=method))

    return jax.eval_shape(initial, jax.ShapeDtypeStruct((1, 9, 9, 3), jnp.float32))
