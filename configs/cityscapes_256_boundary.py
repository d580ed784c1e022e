"""Full-Glow on Cityscapes at 256×256, label map and boundary map → photo."""

from ml_collections import ConfigDict

from fullglow_jax.config import default_config


def get_config() -> ConfigDict:
    """The paper's values, with boundary maps beside the source in all conditions."""
    config = default_config("full_glow")
    config.data.boundary = "smooth"
    return config
