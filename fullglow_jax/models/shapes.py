"""Shapes of a model's images and latents."""

import math
from dataclasses import dataclass, field
from itertools import product

from fullglow_jax.models.annotations import NO_ANNOTATIONS, Annotations


@dataclass(frozen=True)
class Shapes:
    """The shapes of a model's image pairs, and of its latents if it has some.

    This class is for models without levels and boundary maps; `FlowArchitecture` extends it for
    flows.

    Attributes:
        image_size: (H, W) of both images.
        channels: Channels of both images.
    """

    image_size: tuple[int, int]
    channels: int = field(default=3, kw_only=True)

    @property
    def boundary(self) -> bool:
        """Whether boundary maps are read beside the conditions."""
        return bool(self.annotations.boundary)

    @property
    def annotations(self) -> Annotations:
        """The annotations that the model reads."""
        return NO_ANNOTATIONS

    @property
    def without_noise(self) -> str:
        """The reason why all images drawn under a condition are the same; "" if they are not."""
        return ""

    @property
    def image(self) -> tuple[int, int, int]:
        """(H, W, C) of one image."""
        return (*self.image_size, self.channels)

    @property
    def dimensions(self) -> int:
        """D = H·W·C of one image, the dimensions in bits per dimension."""
        return self.image_size[0] * self.image_size[1] * self.channels

    @property
    def level_sizes(self) -> tuple[tuple[int, int], ...]:
        """(H, W) of each level's images."""
        return ()

    @property
    def latent_shapes(self) -> tuple[tuple[int, int, int], ...]:
        """(h, w, c) of each level's latent."""
        return ()


def nearest_sizes(size: tuple[int, int], factor: int, smallest: int = 1) -> str:
    """The one or two (H, W) nearest to a size that are multiples of a factor, in words.

    No side is shorter than `smallest`, a multiple of the factor, nor than the factor.
    """
    least = max(smallest, factor)
    around = [
        {max(n // factor * factor, least), max(-(-n // factor) * factor, least)} for n in size
    ]
    nearest = sorted(product(*around), key=lambda other: (math.dist(other, size), other))
    return " or ".join(f"{height}×{width}" for height, width in nearest[:2])
