"""Full-Glow on Cityscapes at 256×256, boundary map → label map."""

from ml_collections import ConfigDict

from fullglow_jax.config import default_config


def get_config() -> ConfigDict:
    """The paper's values."""
    config = default_config("full_glow")
    config.data.direction = "boundary2label"
    return config
