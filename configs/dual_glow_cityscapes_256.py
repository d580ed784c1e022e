"""DUAL-Glow on Cityscapes at 256×256, label map → photo, as glow2 trained it for the paper."""

from ml_collections import ConfigDict

from fullglow_jax.config import default_config


def get_config() -> ConfigDict:
    """Its numbers: 16 steps at each of 4 levels, batch 1, a constant learning rate."""
    config = default_config("dual_glow")
    config.optimizer.constant_epochs = 46.0
    config.optimizer.decay_epochs = 0.0
    config.train.steps = 136_000  # 45.7 epochs
    return config
