"""The architecture of a pix2pix: its numbers, the shapes of its images, and its networks."""

from dataclasses import dataclass
from typing import Any

from fullglow_jax.errors import UserError
from fullglow_jax.gans.discriminators.patch import PatchDiscriminator
from fullglow_jax.gans.discriminators.pixel import PixelDiscriminator
from fullglow_jax.gans.discriminators.scales import Scales
from fullglow_jax.gans.discriminators.sesame import SesameDiscriminator
from fullglow_jax.gans.families import Pix2PixSettings
from fullglow_jax.gans.generators.unet import UNet
from fullglow_jax.gans.perceptual import JUDGE, SMALLEST
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
        self._check_discriminator()
        of_a_vgg = self.perceptual_weight and self.perceptual_network != JUDGE
        if of_a_vgg and min(self.image_size) < SMALLEST:
            raise UserError(
                f"config.data.image_size={self.image_size} is too small for the perceptual loss: "
                f"a VGG needs {SMALLEST} pixels each way."
            )

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

    def _check_discriminator(self) -> None:
        form, (height, width) = self._form, self.image_size
        if form is None:
            return
        layers = ", or fewer config.model.discriminator_layers" * (self.discriminator == "patch")
        larger = f"Take larger images, or fewer config.model.scales{layers}."
        for scale in range(self.scales):
            *normed, logits = form.normed_sizes(height, width)
            where = f"at scale {scale + 1} of {self.scales}, of {height}×{width} pixels,"
            if min(logits) < 1:
                raise UserError(
                    f"config.data.image_size={self.image_size} is too small for a "
                    f"{self.discriminator!r} discriminator: {where} nothing would be left. {larger}"
                )
            norm = self.norm_of_discriminator
            examples = self.batch if norm == "batch" else 1
            if norm != "none" and any(h * w * examples == 1 for h, w in normed):
                raise UserError(
                    f"The {norm!r} norm of the discriminator, {where} would be of a single value, "
                    f"its own mean. {larger} Or use --config.model.discriminator_norm=none "
                    "or, with batch norm, a larger config.train.batch_size."
                )
            height, width = -(-height // 2), -(-width // 2)
