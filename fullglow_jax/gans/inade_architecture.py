"""The architecture of an INADE: its numbers, the shapes of its images, and its networks."""

from dataclasses import dataclass

from fullglow_jax.errors import UserError
from fullglow_jax.gans.discriminators.patch import PatchDiscriminator
from fullglow_jax.gans.discriminators.scales import Scales
from fullglow_jax.gans.families import InadeSettings
from fullglow_jax.gans.fitting import check_discriminator
from fullglow_jax.gans.generators.inade import Inade
from fullglow_jax.gans.generators.instance_encoder import InstanceEncoder
from fullglow_jax.gans.generators.modulated import DEPTHS, ModulatedGenerator
from fullglow_jax.gans.label_maps import LabelMaps
from fullglow_jax.models.annotations import Annotations
from fullglow_jax.models.shapes import Shapes, nearest_sizes


@dataclass(frozen=True)
class InadeArchitecture(InadeSettings, Shapes):
    """The settings of an INADE, and its networks for images of one size.

    Attributes:
        batch: Examples whose statistics a batch norm takes in training.

    Raises:
        UserError: If the image size does not fit the networks, or a value is not possible.
    """

    batch: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_image_size()
        check_discriminator(self._form, "patch", self.image_size, self.scales, self.batch)

    @property
    def generator(self) -> Inade:
        """The generator, with its encoder if there is one."""
        return Inade(
            ModulatedGenerator(
                self.label_maps.count,
                self.image_size,
                self.width,
                self.depth,
                self.channels,
                self.start_gain,
                self.precision,
            ),
            InstanceEncoder(self.style, self.encoder_width, self.start_gain, self.precision)
            if self.encoder
            else None,
        )

    @property
    def discriminator_network(self) -> Scales:
        """The discriminator at all its scales."""
        return Scales(self._form, self.scales)

    @property
    def label_maps(self) -> LabelMaps:
        """What is read of label maps."""
        return LabelMaps(self.palette, self.classes, self.unknown, self.instances)

    @property
    def noise_sizes(self) -> tuple[int, int]:
        """Values of the noise of an image, and of that of an instance."""
        return self.image_noise, self.style

    @property
    def annotations(self) -> Annotations:
        """Instance ids, unless each class is one instance."""
        return Annotations(instances=self.instances)

    @property
    def _form(self) -> PatchDiscriminator:
        """The discriminator at one scale."""
        return PatchDiscriminator(
            self.discriminator_width,
            self.discriminator_layers,
            padding=2,
            norm="instance",
            spectral=True,
            start="xavier",
            gain=self.start_gain,
            precision=self.precision,
        )

    def _check_image_size(self) -> None:
        (height, width), factor = self.image_size, 2 ** DEPTHS[self.depth]
        if height % factor or width % factor:
            raise UserError(
                f"An image of {height}×{width} cannot be the result of {DEPTHS[self.depth]} "
                f"doublings (config.model.depth={self.depth!r}): its height and width must be "
                f"multiples of {factor}. The nearest sizes that fit: "
                f"{nearest_sizes(self.image_size, factor)}."
            )
        if self.image_size == (factor, factor) and self.batch == 1:
            raise UserError(
                f"The first batch norm of the generator, of images of {height}×{width}, would be "
                "of a single value, its own mean. Take a larger config.train.batch_size, or larger "
                "images."
            )
