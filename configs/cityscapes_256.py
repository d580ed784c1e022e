"""Full-Glow on Cityscapes at 256×256, label map → photo: the paper's main experiment."""

from ml_collections import ConfigDict

from fullglow_jax.config import default_config


def get_config() -> ConfigDict:
    """The paper's values."""
    return default_config("full_glow")
