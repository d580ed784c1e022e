"""Street scenes: a set of label maps and photos made up on the spot, in the layout of Cityscapes.

One label map has many right photos: what stands where is drawn first, then, independently of it,
the weather, the light and every colour.
"""

from fullglow_jax.data.street_scenes.scene import SPLITS, Scene, scene
from fullglow_jax.data.street_scenes.write import generate

__all__ = ["SPLITS", "Scene", "generate", "scene"]
