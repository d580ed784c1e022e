"""PSPNet, the segmentation network of the paper's PSP score, and its use on images."""

from fullglow_jax.segmentation.architecture import PSPNetArchitecture
from fullglow_jax.segmentation.pixels import normalise
from fullglow_jax.segmentation.pspnet import PSPNet
from fullglow_jax.segmentation.sliding_window import class_probabilities
from fullglow_jax.segmentation.storage import load_pspnet, save_pspnet

__all__ = [
    "PSPNet",
    "PSPNetArchitecture",
    "class_probabilities",
    "load_pspnet",
    "normalise",
    "save_pspnet",
]
