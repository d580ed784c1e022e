"""Full-Glow on Cityscapes at 512×1024, label map → photo: the paper's high-resolution samples."""

from ml_collections import ConfigDict

from fullglow_jax.config import default_config


def get_config() -> ConfigDict:
    """The paper's values at 512×1024; memory_mode=invert takes less memory, and more time."""
    config = default_config("full_glow")
    config.data.image_size = (512, 1024)
    return config
