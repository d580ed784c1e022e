"""C-Glow v.1 on Cityscapes at 256×256, label map → photo, as glow2 trained it for the paper."""

from ml_collections import ConfigDict

from fullglow_jax.config import default_config


def get_config() -> ConfigDict:
    """Its numbers: 8 steps at each of 3 levels, wide condition networks, batch 1, a constant rate.

    The paper does not tell which of glow2's two is "v.1"; this one has the larger networks.
    """
    config = default_config("c_glow")
    config.optimizer.constant_epochs = 46.0
    config.optimizer.decay_epochs = 0.0
    config.train.steps = 136_000  # 45.7 epochs
    return config
