"""Street scenes: a generated set of label maps and photos, in the layout of Cityscapes.

One label map has many possible photos: the plan of a scene is drawn first, then, independently of
it, the weather, the light and every colour.
"""

from fullglow_jax.street_scenes.scene import SPLITS, Scene, scene
from fullglow_jax.street_scenes.write import generate

__all__ = ["SPLITS", "Scene", "generate", "scene"]
