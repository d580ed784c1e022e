"""Layouts of image files on disk, by name: one a file."""

from fullglow_jax.data.layouts.aligned_pairs import AlignedPairs
from fullglow_jax.data.layouts.cityscapes import Cityscapes
from fullglow_jax.data.layouts.images import Images
from fullglow_jax.data.layouts.layout import Found, Layout, PairFiles
from fullglow_jax.data.layouts.two_folders import TwoFolders

__all__ = ["AlignedPairs", "Cityscapes", "Found", "Images", "Layout", "PairFiles", "TwoFolders"]

LAYOUTS: dict[str, type[Layout]] = {
    "aligned_pairs": AlignedPairs,
    "cityscapes": Cityscapes,
    "images": Images,
    "two_folders": TwoFolders,
}
"""By `config.data.name`."""
