"""Full-Glow on your own pairs at 256×256: conditions in one folder, targets in another."""

from ml_collections import ConfigDict

from fullglow_jax.config import default_config


def get_config() -> ConfigDict:
    """The paper's values, on ROOT/train/A/NAME.* → ROOT/train/B/NAME.* and the same of val."""
    config = default_config("full_glow")
    config.data.name = "two_folders"
    config.data.root = "datasets/pairs"
    config.data.fit = "crop"
    return config
