"""Full-Glow on pix2pix's facades at 256×256, label map → photo."""

from ml_collections import ConfigDict

from fullglow_jax.config import default_config


def get_config() -> ConfigDict:
    """The paper's values; --config.data.direction=AtoB for photo → label map."""
    config = default_config("full_glow")
    config.data.name = "aligned_pairs"
    config.data.root = "datasets/facades"
    config.data.direction = "BtoA"
    return config
