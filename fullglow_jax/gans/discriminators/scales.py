"""Discriminators at several scales (pix2pixHD, Wang et al. 2018, section 3.2)."""

import flax.linen as nn
from jax import Array

from fullglow_jax.gans.discriminators.verdict import Verdict
from fullglow_jax.layers.norms import OF_IMAGE


class Scales(nn.Module):
    """Discriminators of one form and of their own weights, at full size, half of it, and so on.

    Attributes:
        form: The discriminator at one scale.
        count: Scales.
    """

    form: nn.Module
    count: int = 1

    @nn.compact
    def __call__(
        self, condition: Array, image: Array, statistics: str = OF_IMAGE
    ) -> tuple[Verdict, ...]:
        """The verdict of each scale, full size first, on (B, H, W, C) in [−1, 1]."""
        verdicts = []
        for number in range(self.count):
            if number:
                condition, image = halved(condition), halved(image)
            scale = self.form.clone(parent=self, name=f"scale_{number}")
            verdicts.append(scale(condition, image, statistics))
        return tuple(verdicts)


def halved(x: Array) -> Array:
    """Every second pixel's mean over the 3×3 around it that are inside: (B, ⌈H/2⌉, ⌈W/2⌉, C)."""
    around = ((1, 1), (1, 1))
    return nn.avg_pool(x, (3, 3), strides=(2, 2), padding=around, count_include_pad=False)
