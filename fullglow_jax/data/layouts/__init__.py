"""Layouts of image files on disk, by name: one a file."""

from fullglow_jax.data.layouts.ade20k import Ade20k
from fullglow_jax.data.layouts.aligned_pairs import AlignedPairs
from fullglow_jax.data.layouts.celeba_mask import CelebaMask
from fullglow_jax.data.layouts.cityscapes import Cityscapes
from fullglow_jax.data.layouts.deepfashion import DeepFashion
from fullglow_jax.data.layouts.images import Images
from fullglow_jax.data.layouts.layout import Found, Layout, PairFiles
from fullglow_jax.data.layouts.two_folders import TwoFolders

__all__ = [
    "Ade20k",
    "AlignedPairs",
    "CelebaMask",
    "Cityscapes",
    "DeepFashion",
    "Found",
    "Images",
    "Layout",
    "PairFiles",
    "TwoFolders",
]

LAYOUTS: dict[str, type[Layout]] = {
    "ade20k": Ade20k,
    "aligned_pairs": AlignedPairs,
    "celeba_mask": CelebaMask,
    "cityscapes": Cityscapes,
    "deepfashion": DeepFashion,
    "images": Images,
    "two_folders": TwoFolders,
}
"""By `config.data.name`."""
