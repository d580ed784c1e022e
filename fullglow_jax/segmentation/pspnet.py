"""PSPNet: semantic segmentation with a pyramid of pooled features.

Zhao, Shi, Qi, Wang and Jia 2017, «Pyramid Scene Parsing Network», in the form that the authors
released later as `hszhao/semseg`, of which the constants here are.
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
"""{"params": …, "constants": …}; no constants where normalisation is by groups."""


class PSPNet(nn.Module):
    """Dilated ResNet, pyramid, head, and bilinear resizing to the image's size.

    A second head on the third layer helps in training (PSPNet, section 3.3). Its variables exist
    where the network was initialised through it:

        PSPNet(architecture).init(key, images, method="with_auxiliary")

    Images of 8k + 1 pixels a side are what semseg takes: features then lie at every eighth pixel
    from the first to the last. Others are taken too; their features are spread from corner to
    corner in the same way.

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
        logits = self.head(self.pyramid(self.backbone(images).of_fourth))
        return _at_size_of(images, logits)

    def with_auxiliary(self, images: Array, train: bool = False) -> tuple[Array, Array]:
        """The classes' logits from both heads, each (B, H, W, classes).

        Args:
            images: As above.
            train: Whether channels before the classifiers are dropped; this needs the random
                numbers `rngs={"dropout": key}`, drawn for the whole batch at once. Normalisation
                is the same with it and without.
        """
        third, fourth = self.backbone(images)
        logits, auxiliary = self.head(self.pyramid(fourth), train), self.auxiliary(third, train)
        return _at_size_of(images, logits), _at_size_of(images, auxiliary)

    def features(self, images: Array) -> Array:
        """What the classifier reads: (B, ⌈H/8⌉, ⌈W/8⌉, 8·width), not negative.

        Args:
            images: As above.
        """
        return self.head.features(self.pyramid(self.backbone(images).of_fourth))


def _at_size_of(images: Array, logits: Array) -> Array:
    _, height, width, _ = images.shape
    return resize_corners(logits, (height, width))


def abstract_variables(architecture: PSPNetArchitecture, auxiliary: bool = True) -> Variables:
    """Shapes and types of a network's variables; nothing is computed.

    Args:
        architecture: Its numbers.
        auxiliary: Whether with the second head's.
    """
    method = PSPNet.with_auxiliary if auxiliary else PSPNet.__call__

    def initial(images: Array) -> Variables:
        return dict(PSPNet(architecture).init(jax.random.key(0), images, method=method))

    return jax.eval_shape(initial, jax.ShapeDtypeStruct((1, 9, 9, 3), jnp.float32))
