"""Full-Glow on Cityscapes at its full 1024×2048, label map → photo: beyond the paper's 512×1024."""

from ml_collections import ConfigDict

from fullglow_jax.config import default_config


def get_config() -> ConfigDict:
    """The paper's values at 1024×2048, in memory that does not grow with depth."""
    config = default_config("full_glow")
    config.data.image_size = (1024, 2048)
    config.model.memory_mode = "invert"
    return config
