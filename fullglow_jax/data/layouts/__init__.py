"""How data sets lie on disk: one layout a file."""

from fullglow_jax.data.layouts.aligned_pairs import AlignedPairs
from fullglow_jax.data.layouts.cityscapes import Cityscapes
from fullglow_jax.data.layouts.images import Images
from fullglow_jax.data.layouts.layout import Example, Layout
from fullglow_jax.data.layouts.two_folders import TwoFolders

__all__ = ["AlignedPairs", "Cityscapes", "Example", "Images", "Layout", "TwoFolders"]
