"""Glow on your own single images at 64×64, without conditions."""

from ml_collections import ConfigDict

from fullglow_jax.config import default_config


def get_config() -> ConfigDict:
    """Glow's depth for images of this size, on ROOT/train/** and ROOT/val/**, five bits."""
    config = default_config("glow")
    config.data.name = "images"
    config.data.root = "datasets/images"
    config.data.image_size = (64, 64)
    config.data.fit = "crop"
    config.data.bits = 5

    config.model.steps = (32, 32, 32, 32)

    config.train.batch_size = 16
    return config
