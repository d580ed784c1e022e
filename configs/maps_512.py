"""Full-Glow on pix2pix's maps at 512×512, map → aerial photo."""

from ml_collections import ConfigDict

from fullglow_jax.config import default_config


def get_config() -> ConfigDict:
    """The paper's values; --config.data.direction=AtoB for aerial photo → map."""
    config = default_config("full_glow")
    config.data.name = "aligned_pairs"
    config.data.root = "datasets/maps"
    config.data.direction = "BtoA"
    config.data.image_size = (512, 512)
    return config
