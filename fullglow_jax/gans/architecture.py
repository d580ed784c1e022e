"""The architecture of a pix2pix: its numbers, the shapes of its images, and its networks."""

from dataclasses import dataclass
from typing import Any

from fullglow_jax.errors import UserError
from fullglow_jax.gans.discriminators.patch import PatchDiscriminator
from fullglow_jax.gans.discriminators.pixel import PixelDiscriminator
from fullglow_jax.gans.discriminators.scales import Scales
from fullglow_jax.gans.discriminators.sesame import SesameDiscriminator
from fullglow_jax.gans.families import Pix2PixSettings
from fullglow_jax.gans.fitting import check_discriminator, check_perceptual
from fullglow_jax.gans.generators.unet import UNet
from fullglow_jax.models.shapes import Shapes, nearest_sizes


@dataclass(frozen=True)
class Pix2PixArchitecture(Pix2PixSettings, Shapes):
    """The settings of a pix2pix, and its networks for images of one size.

    Attributes:
        batch: Examples whose statistics a batch norm takes in training.

    Raises:
        UserError: If the image size does not fit the networks, or a value is not possible.
    """

    batch: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_image_size()
        if form := self._form:
            other = (
                " Or use --config.model.discriminator_norm=none or, with batch norm, a larger "
                "config.train.batch_size."
            )
            numbers = self.image_size, self.scales, self.batch
            check_discriminator(form, self.discriminator, *numbers, other)
        if self.perceptual_weight:
            check_perceptual(self.perceptual_network, self.image_size)

    @property
    def generator(self) -> UNet:
        """The generator."""
        return UNet(
            self.downs,
            self.width,
            self.channels,
            self.norm,
            self.dropout_from,
            self.start,
            self.start_gain,
            self.precision,
        )

    @property
    def discriminator_network(self) -> Scales | None:
        """The discriminator at all its scales; None without one."""
        form = self._form
        return None if form is None else Scales(form, self.scales)

    @property
    def noise_shapes(self) -> tuple[tuple[int, int, int], ...]:
        """(h, w, c) of each dropout."""
        return self.generator.noise_shapes(*self.image_size)

    @property
    def without_noise(self) -> str:
        """Why all images of a condition are the same, and how to mend it; "" if they are not."""
        if not self.dropout:
            return "config.model.dropout=0, and dropout is the only noise"
        if self.noise_shapes:
            return ""
        least = 3
        mend = (
            f"--config.model.dropout_from={max(1, self.downs - 4)} gives it some, before training"
            if self.downs >= least
            else f"it takes {least} of config.model.downs"
        )
        return (
            "no layer has dropout, which is the only noise, with "
            f"config.model.downs={self.downs} and config.model.dropout_from={self.dropout_from}; "
            f"{mend}"
        )

    @property
    def norm_of_discriminator(self) -> str:
        """One of `NORMS`."""
        return self.norm if self.discriminator_norm is None else self.discriminator_norm

    @property
    def _form(self) -> PatchDiscriminator | PixelDiscriminator | SesameDiscriminator | None:
        """The discriminator at one scale."""
        common: dict[str, Any] = {
            "width": self.discriminator_width,
            "norm": self.norm_of_discriminator,
            "start": self.start,
            "gain": self.start_gain,
            "precision": self.precision,
        }
        match self.discriminator:
            case "patch":
                layers, spectral = self.discriminator_layers, self.spectral
                return PatchDiscriminator(layers=layers, spectral=spectral, **common)
            case "pixel":
                return PixelDiscriminator(**common)
            case "sesame":
                return SesameDiscriminator(**common)
        return None

    def _check_image_size(self) -> None:
        factor = 2**self.downs
        if all(length % factor == 0 for length in self.image_size):
            return
        height, width = self.image_size
        fewer = [n for n in range(1, self.downs) if not height % 2**n and not width % 2**n]
        keep = f" Or keep the size and use --config.model.downs={fewer[-1]}." if fewer else ""
        raise UserError(
            f"An image of {height}×{width} cannot be halved {self.downs} times "
            f"(config.model.downs): its height and width must be multiples of {factor}. The "
            f"nearest sizes that fit: {nearest_sizes(self.image_size, factor)}.{keep}"
        )
